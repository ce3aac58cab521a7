-- What this service may do besides checking tokens, as a role to be a member of. Safe to run again. Roles belong to the whole
-- server: other databases may have created it, or be creating it now. Who may not create it can run the service as the owner.
DO $$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            BEGIN
                CREATE ROLE jeton_notes NOLOGIN;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE WARNING 'role jeton_notes was not created: this user may not create roles';
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            GRANT USAGE ON SCHEMA demo TO jeton_notes;
            GRANT SELECT (version) ON demo.__diesel_schema_migrations TO jeton_notes;
            GRANT SELECT, INSERT (id, user_id, title, body), UPDATE (title, body, updated_at) ON demo.notes TO jeton_notes;
            GRANT EXECUTE ON FUNCTION demo.delete_note TO jeton_notes;
        END IF;
    END
$$;
