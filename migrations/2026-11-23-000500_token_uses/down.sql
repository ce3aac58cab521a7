DROP INDEX tokens_expires_at;
DROP TABLE token_uses;
