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
