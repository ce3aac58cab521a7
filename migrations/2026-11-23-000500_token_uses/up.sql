-- When each token was last used, to the minute. In a table of its own, so that checking a token never writes to the
-- table that all checks read. Without a foreign key: its lock on the token would make whoever revokes wait for whoever
-- notes a use, and the other way round. What belongs to no token is purged.
CREATE TABLE token_uses (
    token_id     uuid        PRIMARY KEY,
    last_used_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- Expired tokens, for the purge.
CREATE INDEX tokens_expires_at ON tokens (expires_at) WHERE expires_at IS NOT NULL;
