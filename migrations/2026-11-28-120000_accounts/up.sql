-- Users, their tokens, and the rate limits of signing in.
--
-- To look up a token is to lock each table that it reads, and each of their indexes: no more than 16 in all, which Postgres
-- keeps without its shared table of locks. Where that is full, tokens are still checked.
--
-- Rows may come from elsewhere. The constraints refuse what nothing could be made of, and what would be a burden to whoever
-- reads a page of rows: null in an array, or arrays in it; times that RFC 3339 cannot express, or with which arithmetic
-- overflows, as with Postgres' infinity; texts beyond all measure. Whatever else is in these columns, is read.

CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    username      text        NOT NULL CONSTRAINT users_username_check CHECK (char_length(username) BETWEEN 3 AND 64),
    username_key  text        COLLATE "C" NOT NULL CONSTRAINT users_username_key_unique UNIQUE
                                       CONSTRAINT users_username_key_check CHECK (octet_length(username_key) BETWEEN 1 AND 1024),
    email         text        CONSTRAINT users_email_check CHECK (char_length(email) <= 1024),
    password_hash text        CONSTRAINT users_password_hash_check CHECK (char_length(password_hash) <= 1024),
    scopes        text[]      NOT NULL CONSTRAINT users_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    created_at    timestamptz NOT NULL DEFAULT now() CONSTRAINT users_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    disabled_at   timestamptz CONSTRAINT users_disabled_at_check
        CHECK (disabled_at >= '1970-01-01 00:00:00Z' AND disabled_at < '10000-01-01 00:00:00Z'),
    is_service_account boolean NOT NULL DEFAULT false,
    CONSTRAINT users_service_account_check CHECK (NOT is_service_account OR password_hash IS NULL)
);

-- The highest bcrypt cost in use, which the auth service reads when it starts: one entry of this index instead of all users.
CREATE INDEX users_bcrypt_cost
    ON users (substring(password_hash FROM '^bcrypt_sha256\$\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$'));

-- The administrators, of whom at least one has to stay.
CREATE INDEX users_admins ON users (id) WHERE 'admin' = ANY (scopes);

COMMENT ON COLUMN users.username_key IS
    'the name with its case folded, which lower() does not do: what it is looked up by, also by its beginning (hence "C")';
COMMENT ON COLUMN users.password_hash IS 'a scheme''s label, $, and what the scheme made; null: no sign-in by password';
COMMENT ON COLUMN users.is_service_account IS 'a program: administrators make its tokens, which nobody does for a person';
COMMENT ON COLUMN users.scopes IS 'what the user''s tokens may do at the most';
COMMENT ON COLUMN users.disabled_at IS 'while set, no token of the user is accepted and none is issued';

CREATE TABLE tokens (
    id            uuid        PRIMARY KEY,
    user_id       uuid        NOT NULL CONSTRAINT tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
    digest        bytea       NOT NULL CONSTRAINT tokens_digest_unique UNIQUE
                                       CONSTRAINT tokens_digest_check CHECK (octet_length(digest) = 32),
    kind          text        NOT NULL CONSTRAINT tokens_kind_check CHECK (kind IN ('login', 'personal', 'delegated')),
    name          text        NOT NULL CONSTRAINT tokens_name_check CHECK (char_length(name) <= 1024),
    scopes        text[]      NOT NULL CONSTRAINT tokens_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    created_at    timestamptz NOT NULL DEFAULT now() CONSTRAINT tokens_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    expires_at    timestamptz CONSTRAINT tokens_expires_at_check
        CHECK (expires_at >= '1970-01-01 00:00:00Z' AND expires_at < '10000-01-01 00:00:00Z'),
    idle_ttl_secs integer     CONSTRAINT tokens_idle_ttl_secs_check CHECK (idle_ttl_secs > 0),
    client_id     uuid,
    grant_id      uuid,
    audience      text        CONSTRAINT tokens_audience_check CHECK (char_length(audience) BETWEEN 1 AND 1024),
    -- Of a delegated token everything is known that takes it back: it ends by itself, too. No other has anything of that.
    CONSTRAINT tokens_delegated_check CHECK (CASE WHEN kind = 'delegated'
        THEN num_nulls(client_id, grant_id, expires_at) = 0 ELSE num_nonnulls(client_id, grant_id, audience) = 0 END)
);

-- A user's tokens, newest first, by pages; and the cascade from users.
CREATE INDEX tokens_user_id_id ON tokens (user_id, id);

-- For the cleanup: tokens that have expired, of each kind by themselves.
CREATE INDEX tokens_kind_expires_at ON tokens (kind, expires_at) WHERE expires_at IS NOT NULL;

-- A grant's tokens: how many there are, and the cascade from grants.
CREATE INDEX tokens_grant_id ON tokens (grant_id) WHERE grant_id IS NOT NULL;

COMMENT ON COLUMN tokens.kind IS 'login: by signing in; personal: made by hand for a program; delegated: given to a client';
COMMENT ON COLUMN tokens.client_id IS 'the client that it was given to, as the grant has it';
COMMENT ON COLUMN tokens.audience IS 'the one resource that accepts it (RFC 8707); null: any';
COMMENT ON COLUMN tokens.digest IS 'SHA-256 of the token''s text, which stands nowhere';
COMMENT ON COLUMN tokens.expires_at IS 'null: never';
COMMENT ON COLUMN tokens.idle_ttl_secs IS 'so long after its last use, or its issue, the token is no longer accepted; null: no such limit';

-- When each token was last used, to the minute, as each role has noted it: the latest counts. A table of its own, so that a
-- check never writes to the table that all checks read; and rows of each role's own, so that none can keep another's note
-- from being written by holding a lock. No foreign key: its row locks would make revocations and these writes wait for each
-- other. Rows of tokens that no longer exist are purged.
CREATE TABLE token_uses (
    token_id     uuid        NOT NULL,
    last_used_at timestamptz NOT NULL CONSTRAINT token_uses_last_used_at_check
        CHECK (last_used_at >= '1970-01-01 00:00:00Z' AND last_used_at < '10000-01-01 00:00:00Z'),
    owner        text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (token_id, owner)
) WITH (fillfactor = 70);

COMMENT ON COLUMN token_uses.owner IS 'the role that has noted it';

-- Failed sign-ins, counted by all instances of the auth service together. An attempt is in flight from before its password
-- is hashed until its outcome is known: no more are let through at once than may fail, and those in flight are no failures.

-- By account: one row for all networks, and one for each network from which the account has signed in before, so that
-- an attacker elsewhere does not lock the owner out.
CREATE TABLE account_attempts (
    account       bytea         NOT NULL CONSTRAINT account_attempts_account_check CHECK (octet_length(account) = 32),
    network       inet          NOT NULL,
    failures      integer       NOT NULL,
    blocked_until timestamptz   NOT NULL,
    last_at       timestamptz   NOT NULL,
    in_flight     timestamptz[] NOT NULL DEFAULT '{}',
    audited_at    timestamptz,
    PRIMARY KEY (account, network),
    CONSTRAINT account_attempts_failures_check CHECK (failures >= 0),
    CONSTRAINT account_attempts_times_check CHECK (least(blocked_until, last_at, audited_at) >= '1970-01-01 00:00:00Z'
        AND greatest(blocked_until, last_at, audited_at) < '10000-01-01 00:00:00Z'
        AND array_position(in_flight, NULL) IS NULL
        AND '1970-01-01 00:00:00Z' <= ALL (in_flight) AND '10000-01-01 00:00:00Z' > ALL (in_flight))
) WITH (fillfactor = 70);

-- By network: a leaky bucket. Each failure raises the level by one, time lowers it, and there is a limit.
CREATE TABLE network_attempts (
    network    inet             PRIMARY KEY,
    failures   double precision NOT NULL,
    last_at    timestamptz      NOT NULL,
    in_flight  timestamptz[]    NOT NULL DEFAULT '{}',
    audited_at timestamptz,
    -- Of floating-point numbers, NaN is the greatest to Postgres.
    CONSTRAINT network_attempts_failures_check CHECK (failures BETWEEN 0 AND 1e9),
    CONSTRAINT network_attempts_times_check CHECK (least(last_at, audited_at) >= '1970-01-01 00:00:00Z'
        AND greatest(last_at, audited_at) < '10000-01-01 00:00:00Z'
        AND array_position(in_flight, NULL) IS NULL
        AND '1970-01-01 00:00:00Z' <= ALL (in_flight) AND '10000-01-01 00:00:00Z' > ALL (in_flight))
) WITH (fillfactor = 70);

-- For the cleanup: failures are kept for a day, networks from which an account has signed in for months.
CREATE INDEX account_attempts_any_last_at ON account_attempts (last_at) WHERE network = '0.0.0.0/0';
CREATE INDEX account_attempts_known_last_at ON account_attempts (last_at) WHERE network <> '0.0.0.0/0';
CREATE INDEX network_attempts_last_at ON network_attempts (last_at);

COMMENT ON COLUMN account_attempts.account IS 'SHA-256 of users.username_key, or of what was typed in its place';
COMMENT ON COLUMN account_attempts.network IS '0.0.0.0/0: all from which the account has never signed in';
COMMENT ON COLUMN account_attempts.failures IS 'in a row';
COMMENT ON COLUMN account_attempts.blocked_until IS 'until when no attempt is let through';
COMMENT ON COLUMN account_attempts.in_flight IS 'when attempts began whose outcome is not known';
COMMENT ON COLUMN account_attempts.audited_at IS 'when the audit log was last told that attempts are refused';
COMMENT ON COLUMN network_attempts.network IS 'an IPv4 address, or a /64 of IPv6';
COMMENT ON COLUMN network_attempts.failures IS 'at last_at';

-- The time that the cleanup goes by: one row, which follows the clock, and no faster than twice as fast as time passes. So a
-- clock that jumps ahead deletes nothing at once.
CREATE TABLE cleanup_clock (
    only_row   boolean     PRIMARY KEY DEFAULT true CONSTRAINT cleanup_clock_only_row_check CHECK (only_row),
    shows      timestamptz NOT NULL,
    checked_at timestamptz NOT NULL,
    CONSTRAINT cleanup_clock_times_check CHECK (least(shows, checked_at) >= '1970-01-01 00:00:00Z'
        AND greatest(shows, checked_at) < '10000-01-01 00:00:00Z')
);

COMMENT ON COLUMN cleanup_clock.shows IS 'what has expired by then is deleted';
COMMENT ON COLUMN cleanup_clock.checked_at IS 'what the server''s clock said when this row was last moved on';
