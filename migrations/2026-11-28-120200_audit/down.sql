DROP FUNCTION jeton_purge_audit_events;
DROP TABLE audit_events;
