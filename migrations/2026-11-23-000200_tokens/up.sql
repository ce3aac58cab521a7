CREATE TABLE tokens (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
    digest     bytea       NOT NULL CONSTRAINT tokens_digest_unique UNIQUE
                                    CONSTRAINT tokens_digest_check CHECK (octet_length(digest) = 32),
    kind       text        NOT NULL CONSTRAINT tokens_kind_check CHECK (kind IN ('login', 'personal')),
    name       text        NOT NULL,
    scopes     text[]      NOT NULL CONSTRAINT tokens_scopes_check CHECK (array_position(scopes, NULL) IS NULL),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz CONSTRAINT tokens_expires_at_check CHECK (isfinite(expires_at))
);

-- A user's tokens, newest first, page by page; and the cascade from users.
CREATE INDEX tokens_user_id_id ON tokens (user_id, id);

COMMENT ON COLUMN tokens.digest IS 'SHA-256 of the token''s text, which stands nowhere';
COMMENT ON COLUMN tokens.expires_at IS 'null: never';
