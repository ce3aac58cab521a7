-- What the auth service may do, beyond checking tokens: a role to be a member of, as `jeton_verifier` is.
--     CREATE ROLE auth LOGIN PASSWORD '…' IN ROLE jeton_verifier, jeton_auth;
-- Where this migration may not create it, `jeton role create --auth` runs it again, as a user who may.
DO $$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            BEGIN
                CREATE ROLE jeton_auth NOLOGIN;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE WARNING 'role jeton_auth was not created: this user may not create roles';
            END;
        END IF;

        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_auth', current_schema());
            GRANT SELECT, INSERT, UPDATE, DELETE ON users, tokens TO jeton_auth;
            -- The revoker waits for verifiers and takes the dead ones off the list; the janitor purges. What is revoked is
            -- written by triggers alone.
            GRANT SELECT, DELETE ON verifiers, revocations, token_uses TO jeton_auth;
            -- Events are added, at the time that it is, and read.
            GRANT SELECT ON audit_events TO jeton_auth;
            GRANT INSERT (id, action, actor_id, actor_label, subject_id, subject_username, token_id, address, request_id,
                detail) ON audit_events TO jeton_auth;
            GRANT EXECUTE ON FUNCTION jeton_purge_audit_events TO jeton_auth;
        END IF;
    END
$$;
