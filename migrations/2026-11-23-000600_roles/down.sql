-- The roles stay: they are the server's, and other databases may use them.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            REVOKE ALL ON notes FROM jeton_notes;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jeton_notes', current_schema());
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_verifier') THEN
            REVOKE ALL ON token_uses, verifiers, revocations, __diesel_schema_migrations, users, tokens
                FROM jeton_verifier;
            REVOKE ALL ON FUNCTION jeton_commit_durably FROM jeton_verifier;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jeton_verifier', current_schema());
        END IF;
    END
$$;
