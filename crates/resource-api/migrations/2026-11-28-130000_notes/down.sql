-- The role stays: it belongs to the server, and other databases may use it.
REVOKE ALL ON demo.__diesel_schema_migrations FROM jeton_notes;
REVOKE USAGE ON SCHEMA demo FROM jeton_notes;
DROP TABLE demo.notes;
