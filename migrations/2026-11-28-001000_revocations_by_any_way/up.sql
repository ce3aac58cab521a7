-- Writing the log, in one place; and by ways that were not seen before: what another server replicates to this one, and
-- the deletion of a user, with foreign keys turned off, by a transaction that does not see all of their tokens.
--
-- These functions are the owner's, and where anybody may create objects in this schema, anybody may add an operator or a
-- function that fits better than what Postgres has for any type of array, and would be called as the owner. So arrays are
-- compared as text, for which nothing fits better, and such functions are called by their schema's name.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- What is no longer so of these tokens. Of more than 20,000 at once a verifier forgets everything anyway: one row says
-- the same as one for each of them, in much less time.
CREATE FUNCTION jeton_log(digests bytea[]) RETURNS void
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

-- A transaction of a stricter isolation sees the tokens that there were when it began. Of those that were issued since
-- it knows nothing.
CREATE FUNCTION jeton_sees_all() RETURNS boolean
    LANGUAGE sql SET search_path FROM CURRENT
    AS $$ SELECT current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') $$;

CREATE OR REPLACE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY(SELECT digest FROM gone LIMIT 20001));
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY(
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

CREATE OR REPLACE FUNCTION jeton_tokens_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY[''::bytea]);
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_users_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            changed uuid[] := ARRAY(
                SELECT before.id
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.username, before.scopes::text, before.disabled_at)
                    IS DISTINCT FROM (after.username, after.scopes::text, after.disabled_at));
        BEGIN
            PERFORM jeton_log(ARRAY(
                SELECT tokens.digest
                FROM pg_catalog.unnest(changed) AS one (id) JOIN tokens ON tokens.user_id = one.id
                LIMIT 20001));
            IF NOT jeton_sees_all() AND pg_catalog.cardinality(changed) > 0 THEN
                PERFORM jeton_log(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- Their tokens have gone with them, and are logged already, unless foreign keys are turned off.
CREATE OR REPLACE FUNCTION jeton_users_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY(
                SELECT tokens.digest FROM gone JOIN tokens ON tokens.user_id = gone.id LIMIT 20001));
            IF NOT jeton_sees_all() AND EXISTS (SELECT FROM gone) THEN
                PERFORM jeton_log(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- What is replicated to this server comes row by row and fires triggers of rows alone. What these log too much, a
-- verifier looks up once more.
CREATE FUNCTION jeton_tokens_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY[old.digest]);
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_users_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log(ARRAY(SELECT digest FROM tokens WHERE user_id = old.id LIMIT 20001));
            RETURN NULL;
        END
    $$;

-- Whoever may execute one may make it the trigger of a table of their own, and write the log.
REVOKE EXECUTE ON FUNCTION jeton_log, jeton_sees_all, jeton_tokens_replicated, jeton_users_replicated FROM PUBLIC;

-- All of them are whose the log is, whoever migrates: a function of somebody else's would do its work as somebody else.
DO $$
    DECLARE
        owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'revocations'::regclass);
        function text;
    BEGIN
        FOREACH function IN ARRAY ARRAY['jeton_log', 'jeton_sees_all', 'jeton_tokens_replicated',
            'jeton_users_replicated']
        LOOP
            EXECUTE format('ALTER FUNCTION %I OWNER TO %I', function, owner);
        END LOOP;
    END
$$;

CREATE TRIGGER tokens_replicated AFTER UPDATE OR DELETE ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_replicated();

CREATE TRIGGER users_replicated AFTER UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION jeton_users_replicated();

ALTER TABLE tokens ENABLE REPLICA TRIGGER tokens_replicated;
ALTER TABLE users ENABLE REPLICA TRIGGER users_replicated;
