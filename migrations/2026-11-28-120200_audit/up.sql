-- The audit log: who did what to whom, and from where. A row is inserted in the transaction of the act that it tells of,
-- and is never changed. No foreign keys: events stay when their users and tokens are gone.
CREATE TABLE audit_events (
    id               uuid        NOT NULL,
    at               timestamptz NOT NULL DEFAULT clock_timestamp() CONSTRAINT audit_events_at_check
        CHECK (at >= '1970-01-01 00:00:00Z' AND at < '10000-01-01 00:00:00Z'),
    action           text        NOT NULL CONSTRAINT audit_events_action_check CHECK (action ~ '^[a-z]+(-[a-z]+)*$'),
    actor_id         uuid,
    actor_label      text,
    subject_id       uuid,
    subject_username text,
    token_id         uuid,
    address          inet,
    request_id       text        CONSTRAINT audit_events_request_id_check CHECK (char_length(request_id) <= 128),
    detail           jsonb       NOT NULL DEFAULT '{}'
                                 CONSTRAINT audit_events_detail_check CHECK (jsonb_typeof(detail) = 'object'),
    PRIMARY KEY (at, id),
    CONSTRAINT audit_events_actor_check CHECK (num_nonnulls(actor_id, actor_label) = 1)
);

-- Events by subject, by actor and by action, newest first, by pages.
CREATE INDEX audit_events_subject_id ON audit_events (subject_id, at, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_events_actor_id ON audit_events (actor_id, at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, at, id);

COMMENT ON COLUMN audit_events.at IS 'when it was written down, however long ago its transaction began';
COMMENT ON COLUMN audit_events.actor_id IS 'the user who did it; null: no user, see actor_label';
COMMENT ON COLUMN audit_events.actor_label IS 'who did it, where that is no user: cli, anonymous';
COMMENT ON COLUMN audit_events.subject_id IS 'the user whom it happened to';
COMMENT ON COLUMN audit_events.subject_username IS 'what that user was called';
COMMENT ON COLUMN audit_events.token_id IS 'the token that was issued, renamed or revoked';
COMMENT ON COLUMN audit_events.address IS 'the client''s address; null: not by way of the network';

-- The function names tables of this schema, even where a session has temporary ones of the same names.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- The only way to delete events for roles other than the table's owner: the oldest first, at most so many, and none of
-- the last seven days, so that who takes the auth service over cannot hide it.
CREATE FUNCTION jeton_delete_audit_events(before timestamptz, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            deleted bigint;
        BEGIN
            IF before IS NULL OR before > now() - interval '168 hours' THEN
                RAISE insufficient_privilege USING MESSAGE = 'audit events are kept for seven days at least';
            END IF;
            DELETE FROM audit_events WHERE (at, id) IN
                (SELECT e.at, e.id FROM audit_events AS e WHERE e.at < before ORDER BY e.at, e.id LIMIT most);
            GET DIAGNOSTICS deleted = ROW_COUNT;
            RETURN deleted;
        END
    $$;

REVOKE EXECUTE ON FUNCTION jeton_delete_audit_events FROM PUBLIC;
