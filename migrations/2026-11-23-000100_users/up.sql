CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    username      text        NOT NULL CONSTRAINT users_username_check CHECK (char_length(username) BETWEEN 3 AND 64),
    username_key  text        NOT NULL CONSTRAINT users_username_key_unique UNIQUE,
    email         text,
    password_hash text,
    scopes        text[]      NOT NULL CONSTRAINT users_scopes_check CHECK (array_position(scopes, NULL) IS NULL),
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);

COMMENT ON COLUMN users.username_key IS 'the name with its case folded: what it is looked up by';
COMMENT ON COLUMN users.password_hash IS 'a scheme''s label, $, and what the scheme made; null: nobody signs in (a service account)';
COMMENT ON COLUMN users.scopes IS 'what the user''s tokens may do at the most';
COMMENT ON COLUMN users.disabled_at IS 'while set, no token of the user is accepted and none is issued';
