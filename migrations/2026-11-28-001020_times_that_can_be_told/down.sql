ALTER TABLE tokens
    DROP CONSTRAINT tokens_created_at_check,
    DROP CONSTRAINT tokens_expires_at_check,
    ADD CONSTRAINT tokens_expires_at_check CHECK (isfinite(expires_at));
ALTER TABLE token_uses DROP CONSTRAINT token_uses_last_used_at_check;
