-- What verifiers must forget. A row says: whatever was known of this digest before this transaction committed is no
-- longer so.
CREATE TABLE revocations (
    xid    xid8  NOT NULL DEFAULT pg_current_xact_id(),
    digest bytea NOT NULL CONSTRAINT revocations_digest_check CHECK (octet_length(digest) IN (0, 32)),
    PRIMARY KEY (xid, digest)
);

-- Whether a token that is not there was revoked a moment ago.
CREATE INDEX revocations_digest ON revocations (digest);

COMMENT ON COLUMN revocations.xid IS 'the transaction that revoked: a verifier has applied it when its snapshot sees it';
COMMENT ON COLUMN revocations.digest IS 'of a token; empty: every token';

-- The verifiers that may answer from memory. Each renews its row well within its lease.
CREATE TABLE verifiers (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL,
    version    bigint      NOT NULL DEFAULT 0,
    applied    pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
    lease_ms   integer     NOT NULL CONSTRAINT verifiers_lease_ms_check CHECK (lease_ms BETWEEN 100 AND 60000),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

COMMENT ON TABLE verifiers IS 'a row may be deleted only by its verifier, or when its version has not moved for a lease';
COMMENT ON COLUMN verifiers.name IS 'for a person to read';
COMMENT ON COLUMN verifiers.version IS 'counts the renewals';
COMMENT ON COLUMN verifiers.applied IS 'all revocations that this snapshot sees have left the verifier''s memory';
COMMENT ON COLUMN verifiers.lease_ms IS 'how long after a renewal the verifier answers from memory: revokers wait for so long';

-- Every way in which what a verifier remembers can become wrong writes the log, whoever changes the rows by whatever
-- means. As the owner: whoever may delete a token need not be able to write the log. And durably: a revocation that a
-- crash undoes would be one that some verifiers have applied and others have not.

-- The functions below mean the tables of this schema, even where a session has temporary ones of the same names.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE FUNCTION jeton_commit_durably() RETURNS void
    LANGUAGE sql
    AS $$
        SELECT set_config('synchronous_commit', 'on', true)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')
    $$;

CREATE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest) SELECT digest FROM gone ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

-- A longer life is no revocation: what is remembered ends earlier, and is then asked for again.
CREATE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest)
                SELECT before.digest
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.digest, before.user_id, before.kind, before.scopes)
                        IS DISTINCT FROM (after.digest, after.user_id, after.kind, after.scopes)
                    OR coalesce(after.expires_at, 'infinity') < coalesce(before.expires_at, 'infinity')
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_tokens_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest) VALUES ('') ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

-- A token that comes to a user while the user is being changed would be seen by neither: the change does not see the
-- token, and whoever looks the token up may still see the user from before. So one waits for the other.
CREATE FUNCTION jeton_tokens_came() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM FROM users WHERE id = new.user_id FOR SHARE;
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_users_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            -- A transaction of a stricter isolation sees the tokens that there were when it began. Of those that were
            -- issued since it knows nothing: every token, then.
            INSERT INTO revocations (digest)
                SELECT ''
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
                    AND (before.username, before.scopes, before.disabled_at)
                        IS DISTINCT FROM (after.username, after.scopes, after.disabled_at)
                ON CONFLICT DO NOTHING;
            INSERT INTO revocations (digest)
                SELECT tokens.digest
                FROM before
                    LEFT JOIN after ON after.id = before.id
                    JOIN tokens ON tokens.user_id = before.id
                WHERE (before.username, before.scopes, before.disabled_at)
                    IS DISTINCT FROM (after.username, after.scopes, after.disabled_at)
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

-- Their tokens have gone with them, and are logged already, unless foreign keys are turned off.
CREATE FUNCTION jeton_users_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest)
                SELECT tokens.digest FROM gone JOIN tokens ON tokens.user_id = gone.id
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

-- Whoever may execute one may make it the trigger of a table of their own, and write the log.
REVOKE EXECUTE ON FUNCTION jeton_commit_durably, jeton_tokens_deleted, jeton_tokens_updated, jeton_tokens_truncated,
    jeton_tokens_came, jeton_users_updated, jeton_users_deleted FROM PUBLIC;

CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_deleted();

CREATE TRIGGER tokens_updated AFTER UPDATE ON tokens
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_updated();

CREATE TRIGGER tokens_truncated AFTER TRUNCATE ON tokens
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_truncated();

CREATE TRIGGER tokens_came AFTER INSERT OR UPDATE OF user_id ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_came();

CREATE TRIGGER users_updated AFTER UPDATE ON users
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_updated();

CREATE TRIGGER users_deleted AFTER DELETE ON users
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_deleted();

-- In restores as well (session_replication_role = replica turns ordinary triggers off).
ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_deleted;
ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_updated;
ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_truncated;
ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_came;
ALTER TABLE users ENABLE ALWAYS TRIGGER users_updated;
ALTER TABLE users ENABLE ALWAYS TRIGGER users_deleted;
