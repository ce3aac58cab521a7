-- The role stays: it is the server's, and other databases may use it.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_auth') THEN
            REVOKE ALL ON users, tokens, verifiers, revocations, token_uses, audit_events FROM jeton_auth;
            REVOKE ALL ON FUNCTION jeton_purge_audit_events FROM jeton_auth;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jeton_auth', current_schema());
        END IF;
    END
$$;
