DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            REVOKE SELECT (created_at, idle_ttl_secs) ON tokens FROM jeton_verifier;
        END IF;
    END
$$;
