-- The roles stay: they belong to the server, and other databases may use them.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            REVOKE ALL ON users, tokens, account_attempts, network_attempts, verifiers, revocations, token_uses,
                locks, audit_events, cleanup_clock, clients, delegable_scopes, grants, authorizations, authorization_codes,
                refresh_tokens FROM jeton_auth;
            REVOKE ALL ON FUNCTION jeton_remove_expired, jeton_delete_audit_events FROM jeton_auth;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jeton_auth', current_schema());
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            REVOKE ALL ON tokens, users, clients, revocations, __diesel_schema_migrations, verifiers, token_uses
                FROM jeton_verifier;
            REVOKE ALL ON FUNCTION jeton_register, jeton_renew, jeton_deregister, jeton_note_uses FROM jeton_verifier;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jeton_verifier', current_schema());
        END IF;
    END
$$;
