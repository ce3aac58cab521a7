-- The role stays: it belongs to the server, and other databases may use it.
DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            REVOKE ALL ON demo.__diesel_schema_migrations FROM jeton_notes;
            REVOKE USAGE ON SCHEMA demo FROM jeton_notes;
        END IF;
    END
$$;
DROP FUNCTION demo.delete_note;
DROP TABLE demo.notes;
