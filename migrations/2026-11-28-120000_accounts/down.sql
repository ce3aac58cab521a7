DROP TABLE cleanup_clock, network_attempts, account_attempts, token_uses, tokens, users;
