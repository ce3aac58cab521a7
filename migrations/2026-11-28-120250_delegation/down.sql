LOCK TABLE users, tokens IN ACCESS EXCLUSIVE MODE;
-- Nobody is to be asked about a client that nobody knows.
DELETE FROM tokens WHERE kind = 'delegated';
ALTER TABLE tokens DROP CONSTRAINT tokens_grant_id_fkey;
DROP TABLE refresh_tokens, authorization_codes, authorizations, grants, delegable_scopes, clients;
DROP FUNCTION jeton_clients_replicated, jeton_clients_changed;
