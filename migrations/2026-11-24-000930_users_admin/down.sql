DROP INDEX users_username_key_prefix;
DROP INDEX users_admins;
