-- What a check asks about a token that ends when it is not used. Where the role is not there yet, `jeton role create`
-- runs this again once it is.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            GRANT SELECT (created_at, idle_ttl_secs) ON tokens TO jeton_verifier;
        END IF;
    END
$$;
