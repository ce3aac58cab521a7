DROP TABLE network_attempts, account_attempts, token_uses, tokens, users;
