-- What services may do that check tokens, as roles to be a member of: `jeton role create shop`, or
--     CREATE ROLE shop LOGIN PASSWORD '…' IN ROLE jeton_verifier;
-- Roles belong to the whole server: other databases on it may have created them already, or be doing so now. Where this
-- migration may not create them, `jeton role create` runs it again, as a user who may.
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

        -- Of tokens and users what a check answers; of the verifiers a row of its own.
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_verifier', current_schema());
            GRANT SELECT (id, user_id, digest, kind, scopes, expires_at) ON tokens TO jeton_verifier;
            GRANT SELECT (id, username, scopes, disabled_at) ON users TO jeton_verifier;
            GRANT SELECT (xid, digest) ON revocations TO jeton_verifier;
            GRANT SELECT (version) ON __diesel_schema_migrations TO jeton_verifier;
            GRANT SELECT (id, version, applied), INSERT (id, name, applied, lease_ms), UPDATE (version, applied), DELETE
                ON verifiers TO jeton_verifier;
            GRANT SELECT (token_id, last_used_at), INSERT (token_id, last_used_at), UPDATE (last_used_at)
                ON token_uses TO jeton_verifier;
            GRANT EXECUTE ON FUNCTION jeton_commit_durably TO jeton_verifier;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_notes', current_schema());
            GRANT SELECT, INSERT (id, user_id, title, body), UPDATE (title, body, updated_at), DELETE
                ON notes TO jeton_notes;
        END IF;
    END
$$;
