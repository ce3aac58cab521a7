DROP FUNCTION jeton_delete_audit_events;
DROP TABLE audit_events;
