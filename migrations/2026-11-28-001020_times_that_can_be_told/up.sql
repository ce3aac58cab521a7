-- Postgres has times that no answer can tell (RFC 3339 ends with the year 9999) and that no arithmetic survives. A service
-- that may only note uses must not be able to make others stumble over one.
DELETE FROM token_uses WHERE last_used_at < '1970-01-01 00:00:00Z' OR last_used_at >= '10000-01-01 00:00:00Z';
UPDATE tokens SET created_at = now() WHERE created_at < '1970-01-01 00:00:00Z' OR created_at >= '10000-01-01 00:00:00Z';
-- For ever, or over.
UPDATE tokens SET expires_at = NULL WHERE expires_at >= '10000-01-01 00:00:00Z';
DELETE FROM tokens WHERE expires_at < '1970-01-01 00:00:00Z';

ALTER TABLE token_uses
    ADD CONSTRAINT token_uses_last_used_at_check
        CHECK (last_used_at >= '1970-01-01 00:00:00Z' AND last_used_at < '10000-01-01 00:00:00Z');
ALTER TABLE tokens
    ADD CONSTRAINT tokens_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    DROP CONSTRAINT tokens_expires_at_check,
    ADD CONSTRAINT tokens_expires_at_check
        CHECK (expires_at >= '1970-01-01 00:00:00Z' AND expires_at < '10000-01-01 00:00:00Z');
