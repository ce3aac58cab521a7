CREATE TABLE notes (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT notes_user_id_fkey REFERENCES users ON DELETE CASCADE,
    title      text        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A user's notes, newest first, page by page; and the cascade from users.
CREATE INDEX notes_user_id_id ON notes (user_id, id);
