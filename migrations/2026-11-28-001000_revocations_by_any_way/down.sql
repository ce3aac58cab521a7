DROP TRIGGER users_replicated ON users;
DROP TRIGGER tokens_replicated ON tokens;
DROP FUNCTION jeton_users_replicated, jeton_tokens_replicated;

SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE OR REPLACE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            WITH revoked AS MATERIALIZED (
                    SELECT digest FROM gone
                    LIMIT 20001)
                INSERT INTO revocations (digest)
                    SELECT digest FROM revoked WHERE (SELECT count(*) FROM revoked) <= 20000
                    UNION ALL SELECT '' WHERE (SELECT count(*) FROM revoked) > 20000
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            WITH revoked AS MATERIALIZED (
                    SELECT before.digest
                    FROM before LEFT JOIN after ON after.id = before.id
                    WHERE (before.digest, before.user_id, before.kind, before.scopes)
                            IS DISTINCT FROM (after.digest, after.user_id, after.kind, after.scopes)
                        OR coalesce(after.expires_at, 'infinity') < coalesce(before.expires_at, 'infinity')
                        OR (after.idle_ttl_secs IS NOT NULL
                            AND (after.idle_ttl_secs < before.idle_ttl_secs OR before.idle_ttl_secs IS NULL
                                OR after.created_at < before.created_at))
                    LIMIT 20001)
                INSERT INTO revocations (digest)
                    SELECT digest FROM revoked WHERE (SELECT count(*) FROM revoked) <= 20000
                    UNION ALL SELECT '' WHERE (SELECT count(*) FROM revoked) > 20000
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_users_updated() RETURNS trigger
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
            WITH revoked AS MATERIALIZED (
                    SELECT tokens.digest
                    FROM before
                        LEFT JOIN after ON after.id = before.id
                        JOIN tokens ON tokens.user_id = before.id
                    WHERE (before.username, before.scopes, before.disabled_at)
                        IS DISTINCT FROM (after.username, after.scopes, after.disabled_at)
                    LIMIT 20001)
                INSERT INTO revocations (digest)
                    SELECT digest FROM revoked WHERE (SELECT count(*) FROM revoked) <= 20000
                    UNION ALL SELECT '' WHERE (SELECT count(*) FROM revoked) > 20000
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_users_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            WITH revoked AS MATERIALIZED (
                    SELECT tokens.digest FROM gone JOIN tokens ON tokens.user_id = gone.id
                    LIMIT 20001)
                INSERT INTO revocations (digest)
                    SELECT digest FROM revoked WHERE (SELECT count(*) FROM revoked) <= 20000
                    UNION ALL SELECT '' WHERE (SELECT count(*) FROM revoked) > 20000
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_tokens_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest) VALUES ('') ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

DROP FUNCTION jeton_sees_all, jeton_log;
