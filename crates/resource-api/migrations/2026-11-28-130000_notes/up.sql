-- The notes go with their user: Postgres deletes them in the transaction that deletes the user. The reference takes the
-- right REFERENCES on users (id), and, while it is made, a lock that lets no row of users be changed.
CREATE TABLE demo.notes (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT notes_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    title      text        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A user's notes, newest first, by pages; and the cascade, which would read the whole table without it.
CREATE INDEX notes_user_id_id ON demo.notes (user_id, id);

-- What this service may do besides checking tokens, as a role to be a member of. Roles belong to the whole server: other
-- databases may have created it, or be creating it now.
DO $$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jeton_notes') THEN
            CREATE ROLE jeton_notes NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN
            NULL;
    END
$$;
GRANT USAGE ON SCHEMA demo TO jeton_notes;
GRANT SELECT (version) ON demo.__diesel_schema_migrations TO jeton_notes;
GRANT SELECT, INSERT (id, user_id, title, body), UPDATE (title, body, updated_at), DELETE ON demo.notes TO jeton_notes;
