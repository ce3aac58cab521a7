SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

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
                ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
            RETURN NULL;
        END
    $$;

ALTER TABLE tokens DROP COLUMN idle_ttl_secs;
