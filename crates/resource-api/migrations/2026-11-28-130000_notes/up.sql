-- The notes go with their user: Postgres deletes them in the transaction that deletes the user. The reference takes the
-- right REFERENCES on users (id), and, while it is made, a lock that lets no row of users be changed.
CREATE TABLE demo.notes (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT notes_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    title      text        NOT NULL,
    body       text        NOT NULL,
    -- What RFC 3339 can express: a row beyond that would be an unreadable one to this service.
    created_at timestamptz NOT NULL DEFAULT now() CONSTRAINT notes_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    updated_at timestamptz NOT NULL DEFAULT now() CONSTRAINT notes_updated_at_check
        CHECK (updated_at >= '1970-01-01 00:00:00Z' AND updated_at < '10000-01-01 00:00:00Z')
);

-- A user's notes, newest first, by pages; and the cascade, which would read the whole table without it.
CREATE INDEX notes_user_id_id ON demo.notes (user_id, id);

-- Who may delete any row of a table may lock all of it, and so keep every user from being deleted. So the service's role may not,
-- and deletes by this.
CREATE FUNCTION demo.delete_note(uuid, uuid) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        WITH gone AS (DELETE FROM demo.notes WHERE id = $1 AND user_id = $2 RETURNING id) SELECT EXISTS (SELECT FROM gone)
    $$;

REVOKE EXECUTE ON FUNCTION demo.delete_note FROM PUBLIC;

COMMENT ON FUNCTION demo.delete_note IS 'deletes a note, by its id, of a user; says whether there was one';
