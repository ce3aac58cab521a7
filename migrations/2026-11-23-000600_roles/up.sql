-- What a service that checks tokens may do, as a role to be a member of:
--     CREATE ROLE shop LOGIN PASSWORD '…' IN ROLE jeton_verifier;
-- Roles belong to the whole server. Where this migration may not create them, whoever may does it, and grants the same;
-- other databases on the server may have created them already, or be doing so now.
DO $$
    DECLARE
        role_name text;
    BEGIN
        FOREACH role_name IN ARRAY ARRAY['jeton_verifier', 'jeton_notes'] LOOP
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                BEGIN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
                EXCEPTION
                    WHEN duplicate_object OR unique_violation THEN
                        NULL;
                    WHEN insufficient_privilege THEN
                        RAISE WARNING 'role % was not created: this user may not create roles', role_name;
                END;
            END IF;
        END LOOP;

        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_verifier', current_schema());
            GRANT SELECT (id, user_id, digest, kind, scopes, expires_at) ON tokens TO jeton_verifier;
            GRANT SELECT (id, username, scopes, disabled_at) ON users TO jeton_verifier;
            GRANT SELECT ON revocations, __diesel_schema_migrations TO jeton_verifier;
            GRANT SELECT, INSERT, UPDATE, DELETE ON verifiers TO jeton_verifier;
            GRANT SELECT, INSERT, UPDATE ON token_uses TO jeton_verifier;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_notes', current_schema());
            GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO jeton_notes;
        END IF;
    END
$$;
