-- The highest cost that a password is stored with, which the auth service asks for when it starts: from the end of this
-- index, instead of from all users.
CREATE INDEX users_bcrypt_cost ON users (substring(password_hash FROM '^bcrypt_sha256\$\$2[aby]\$([0-9]{2})\$'));
