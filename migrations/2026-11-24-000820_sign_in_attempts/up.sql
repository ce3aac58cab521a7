-- How often signing in has failed, counted by all instances of the auth service together: before a password is hashed,
-- so that many at once do not all get through.

-- For each account: once for all networks, and once for each network from which the account has signed in before, so that
-- strangers do not keep its owner out.
CREATE TABLE account_attempts (
    account       bytea       NOT NULL CONSTRAINT account_attempts_account_check CHECK (octet_length(account) = 32),
    network       inet        NOT NULL,
    failures      integer     NOT NULL,
    blocked_until timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    noted_at      timestamptz,
    PRIMARY KEY (account, network)
) WITH (fillfactor = 70);

-- For each network: a level that rises by one with each attempt, falls with time, and has a limit.
CREATE TABLE network_attempts (
    network  inet             PRIMARY KEY,
    failures double precision NOT NULL,
    last_at  timestamptz      NOT NULL,
    noted_at timestamptz
) WITH (fillfactor = 70);

-- For the purge: failures are forgotten after a day, and where an account has signed in from, after months.
CREATE INDEX account_attempts_any_last_at ON account_attempts (last_at) WHERE network = '0.0.0.0/0';
CREATE INDEX account_attempts_known_last_at ON account_attempts (last_at) WHERE network <> '0.0.0.0/0';
CREATE INDEX network_attempts_last_at ON network_attempts (last_at);

COMMENT ON COLUMN account_attempts.account IS 'SHA-256 of users.username_key, or of what was typed in its place';
COMMENT ON COLUMN account_attempts.network IS '0.0.0.0/0: all from which the account has never signed in';
COMMENT ON COLUMN account_attempts.failures IS 'in a row';
COMMENT ON COLUMN account_attempts.blocked_until IS 'until when no attempt is let through';
COMMENT ON COLUMN account_attempts.noted_at IS 'when the audit log was last told that attempts are held off';
COMMENT ON COLUMN network_attempts.network IS 'an IPv4 address, or a /64 of IPv6';
COMMENT ON COLUMN network_attempts.failures IS 'at last_at';

-- Rights: from here on `jeton role create` may run this again.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON account_attempts, network_attempts TO jeton_auth;
        END IF;
    END
$$;
