-- The protocol that keeps verifiers' memories coherent with the token table: a log of revocations, the verifiers that
-- have to apply it, and the triggers that write it.

-- A row says: what was known of this digest before this transaction committed is no longer true.
CREATE TABLE revocations (
    xid    xid8  NOT NULL DEFAULT pg_current_xact_id(),
    digest bytea NOT NULL CONSTRAINT revocations_digest_check CHECK (octet_length(digest) IN (0, 32)),
    PRIMARY KEY (xid, digest)
);

-- Whether a token that does not exist was revoked a moment ago.
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
    created_at timestamptz NOT NULL DEFAULT now(),
    owner      text        NOT NULL DEFAULT current_user
) WITH (fillfactor = 50);

COMMENT ON TABLE verifiers IS 'a row may be deleted only by its verifier, or when its version has not moved for a lease';
COMMENT ON COLUMN verifiers.name IS 'for a person to read';
COMMENT ON COLUMN verifiers.version IS 'counts the renewals';
COMMENT ON COLUMN verifiers.applied IS 'all revocations that this snapshot sees have left the verifier''s memory';
COMMENT ON COLUMN verifiers.lease_ms IS 'how long after a renewal the verifier answers from memory: revokers wait for so long';
COMMENT ON COLUMN verifiers.owner IS 'the role that registered it, and alone may renew it';

-- A service may change its own row only: one that deleted another's row would have revocations acknowledged which the
-- other has not applied. Every role reads all rows, since a revoker must wait for verifiers that it has no rights on.
ALTER TABLE verifiers ENABLE ROW LEVEL SECURITY;
CREATE POLICY verifiers_read ON verifiers FOR SELECT USING (true);
CREATE POLICY verifiers_register ON verifiers FOR INSERT WITH CHECK (owner = current_user);
CREATE POLICY verifiers_renew ON verifiers FOR UPDATE USING (owner = current_user);
-- The auth service removes verifiers that have died. Its role may be created after this migration.
CREATE POLICY verifiers_end ON verifiers FOR DELETE
    USING (owner = current_user OR pg_has_role(to_regrole('jeton_auth')::oid, 'USAGE'));

-- Every change that makes a verifier's memory wrong writes the log, whoever makes the change and by whatever means.
--
-- The triggers run as the owner: who may delete a token need not be able to write the log. In a schema where everybody
-- may create objects, anybody could add a function or an operator that fits better than Postgres' own for some type of
-- array, and have it called as the owner. So arrays are compared as text, for which nothing fits better, functions of
-- arrays are called by their schema's name, and temporary objects come last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- A revocation must survive a crash: otherwise some verifiers have applied what was undone, and others have not.
CREATE FUNCTION jeton_commit_durably() RETURNS void
    LANGUAGE sql
    AS $$
        SELECT set_config('synchronous_commit', 'on', true)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')
    $$;

-- Writes the log. For more than 20,000 digests at once a verifier forgets everything anyway: one row says the same as one
-- row for each of them, in a fraction of the time.
CREATE FUNCTION jeton_log_revocations(digests bytea[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
    AS $$
        BEGIN
            IF pg_catalog.cardinality(digests) > 20000 THEN
                digests := ARRAY[''::bytea];
            END IF;
            INSERT INTO revocations (digest) SELECT pg_catalog.unnest(digests) ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
        END
    $$;

-- A transaction of a stricter isolation does not see tokens that were issued since it began.
CREATE FUNCTION jeton_sees_all() RETURNS boolean
    LANGUAGE sql SET search_path FROM CURRENT
    AS $$ SELECT current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') $$;

CREATE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(SELECT digest FROM gone LIMIT 20001));
            RETURN NULL;
        END
    $$;

-- A longer life is no revocation: what is remembered ends earlier, and is then looked up again.
CREATE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT before.digest
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.digest, before.user_id, before.kind, before.scopes::text)
                        IS DISTINCT FROM (after.digest, after.user_id, after.kind, after.scopes::text)
                    OR coalesce(after.expires_at, 'infinity') < coalesce(before.expires_at, 'infinity')
                    OR (after.idle_ttl_secs IS NOT NULL
                        AND (after.idle_ttl_secs < before.idle_ttl_secs OR before.idle_ttl_secs IS NULL
                            OR after.created_at < before.created_at))
                LIMIT 20001));
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_tokens_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            RETURN NULL;
        END
    $$;

-- A token that is inserted while its user is being changed would be missed: the change does not see the token, and a
-- look-up of the token may still see the user as before. So the insert waits for the change, or the change for the insert.
CREATE FUNCTION jeton_tokens_inserted() RETURNS trigger
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
        DECLARE
            changed uuid[] := ARRAY(
                SELECT before.id
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.username, before.scopes::text, before.disabled_at)
                    IS DISTINCT FROM (after.username, after.scopes::text, after.disabled_at));
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT tokens.digest
                FROM pg_catalog.unnest(changed) AS one (id) JOIN tokens ON tokens.user_id = one.id
                LIMIT 20001));
            IF NOT jeton_sees_all() AND pg_catalog.cardinality(changed) > 0 THEN
                PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- The cascade has deleted and logged the user's tokens already, unless foreign keys are turned off.
CREATE FUNCTION jeton_users_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT tokens.digest FROM gone JOIN tokens ON tokens.user_id = gone.id LIMIT 20001));
            IF NOT jeton_sees_all() AND EXISTS (SELECT FROM gone) THEN
                PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- Logical replication applies changes row by row, and fires row triggers only. What these log in excess, a verifier
-- looks up once more.
CREATE FUNCTION jeton_tokens_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY[old.digest]);
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_users_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(SELECT digest FROM tokens WHERE user_id = old.id LIMIT 20001));
            RETURN NULL;
        END
    $$;

-- Who may execute a trigger function may put it on a table of their own, and write the log.
REVOKE EXECUTE ON FUNCTION jeton_commit_durably, jeton_log_revocations, jeton_sees_all, jeton_tokens_deleted, jeton_tokens_updated,
    jeton_tokens_truncated, jeton_tokens_inserted, jeton_tokens_replicated, jeton_users_updated, jeton_users_deleted,
    jeton_users_replicated FROM PUBLIC;

CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_deleted();

CREATE TRIGGER tokens_updated AFTER UPDATE ON tokens
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_updated();

CREATE TRIGGER tokens_truncated AFTER TRUNCATE ON tokens
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_truncated();

CREATE TRIGGER tokens_inserted AFTER INSERT OR UPDATE OF user_id ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_inserted();

CREATE TRIGGER users_updated AFTER UPDATE ON users
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_updated();

CREATE TRIGGER users_deleted AFTER DELETE ON users
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_deleted();

CREATE TRIGGER tokens_replicated AFTER UPDATE OR DELETE ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_replicated();

CREATE TRIGGER users_replicated AFTER UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION jeton_users_replicated();

-- Always: in restores as well, where session_replication_role = replica turns ordinary triggers off.
-- Replica: then only, since the statement triggers do the work otherwise.
ALTER TABLE tokens
    ENABLE ALWAYS TRIGGER tokens_deleted,
    ENABLE ALWAYS TRIGGER tokens_updated,
    ENABLE ALWAYS TRIGGER tokens_truncated,
    ENABLE ALWAYS TRIGGER tokens_inserted,
    ENABLE REPLICA TRIGGER tokens_replicated;
ALTER TABLE users
    ENABLE ALWAYS TRIGGER users_updated,
    ENABLE ALWAYS TRIGGER users_deleted,
    ENABLE REPLICA TRIGGER users_replicated;
