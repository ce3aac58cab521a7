SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE OR REPLACE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest) SELECT digest FROM gone ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

CREATE OR REPLACE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            INSERT INTO revocations (digest)
                SELECT before.digest
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.digest, before.user_id, before.kind, before.scopes)
                        IS DISTINCT FROM (after.digest, after.user_id, after.kind, after.scopes)
                    OR coalesce(after.expires_at, 'infinity') < coalesce(before.expires_at, 'infinity')
                    OR (after.idle_ttl_secs IS NOT NULL
                        AND (after.idle_ttl_secs < before.idle_ttl_secs OR before.idle_ttl_secs IS NULL
                            OR after.created_at < before.created_at))
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

CREATE OR REPLACE FUNCTION jeton_users_deleted() RETURNS trigger
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
