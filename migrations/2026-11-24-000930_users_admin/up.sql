-- The administrators, of whom one has to stay.
CREATE INDEX users_admins ON users (id) WHERE 'admin' = ANY (scopes);

-- Users whose names begin so, whatever the database's collation is.
CREATE INDEX users_username_key_prefix ON users (username_key text_pattern_ops);
