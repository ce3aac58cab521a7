-- A token that ends when nobody has used it for so long.
ALTER TABLE tokens
    ADD COLUMN idle_ttl_secs integer CONSTRAINT tokens_idle_ttl_secs_check CHECK (idle_ttl_secs > 0);

COMMENT ON COLUMN tokens.idle_ttl_secs IS 'so long after its last use, or its issue, the token is no longer accepted; null: no such limit';

-- The tokens that may have ended so, for the purge.
CREATE INDEX tokens_idle ON tokens (id) WHERE idle_ttl_secs IS NOT NULL;

SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- As before; and what is remembered of a token may now last too long for two reasons more. That its use is noted makes it
-- last longer, and logs nothing.
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
