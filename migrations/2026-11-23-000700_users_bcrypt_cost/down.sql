DROP INDEX users_bcrypt_cost;
