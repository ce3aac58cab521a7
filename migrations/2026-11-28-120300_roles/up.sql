-- What services may do, as roles to be a member of: `jeton role create shop`, `jeton role create auth --auth`, or
--     CREATE ROLE shop LOGIN PASSWORD '…' IN ROLE jeton_verifier;
--     CREATE ROLE auth LOGIN PASSWORD '…' IN ROLE jeton_verifier, jeton_auth;
--
-- Roles belong to the whole server: migrations of its other databases may have created them, or be creating them now.
-- Where this user may not create roles, the migration succeeds without, and `jeton role create` runs this file again as
-- a user who may. So it has to be idempotent.
DO $$
    DECLARE
        role_name text;
    BEGIN
        FOREACH role_name IN ARRAY ARRAY['jeton_verifier', 'jeton_auth'] LOOP
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

        -- Checking tokens: the columns that a check returns. No right on a table as a whole, by which it could be locked, and
        -- none to write: that is done by functions.
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_verifier', current_schema());
            GRANT SELECT (id, user_id, digest, kind, scopes, created_at, expires_at, idle_ttl_secs, client_id, audience)
                ON tokens TO jeton_verifier;
            GRANT SELECT (id, username, scopes, disabled_at) ON users TO jeton_verifier;
            GRANT SELECT (id, scopes, disabled_at) ON clients TO jeton_verifier;
            GRANT SELECT (xid, digest) ON revocations TO jeton_verifier;
            GRANT SELECT (version) ON __diesel_schema_migrations TO jeton_verifier;
            GRANT SELECT (id, version, applied) ON verifiers TO jeton_verifier;
            GRANT SELECT (token_id, last_used_at) ON token_uses TO jeton_verifier;
            GRANT EXECUTE ON FUNCTION jeton_register, jeton_renew, jeton_deregister, jeton_note_uses TO jeton_verifier;
        END IF;

        -- Issuing and revoking, in addition to checking.
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO jeton_auth', current_schema());
            GRANT SELECT, INSERT, UPDATE, DELETE ON users, tokens TO jeton_auth;
            GRANT SELECT, INSERT, UPDATE, DELETE ON clients, delegable_scopes, grants, authorizations, authorization_codes,
                refresh_tokens TO jeton_auth;
            GRANT SELECT, INSERT, UPDATE, DELETE ON account_attempts, network_attempts TO jeton_auth;
            GRANT SELECT, INSERT, UPDATE ON cleanup_clock TO jeton_auth;
            -- The revoker reads verifiers and removes dead ones; the cleanup deletes. Only triggers write revocations.
            GRANT SELECT ON verifiers TO jeton_auth;
            GRANT EXECUTE ON FUNCTION jeton_remove_expired TO jeton_auth;
            GRANT SELECT, DELETE ON revocations TO jeton_auth;
            -- Those of other roles are locked before they are deleted, which takes the right to update.
            GRANT SELECT, UPDATE (owner), DELETE ON token_uses TO jeton_auth;
            GRANT SELECT, UPDATE (name) ON locks TO jeton_auth;
            -- Audit events are inserted, at the current time, and read.
            GRANT SELECT ON audit_events TO jeton_auth;
            GRANT INSERT (id, action, actor_id, actor_label, subject_id, subject_username, token_id, address, request_id,
                detail) ON audit_events TO jeton_auth;
            GRANT EXECUTE ON FUNCTION jeton_delete_audit_events TO jeton_auth;
        END IF;
    END
$$;
