LOCK TABLE users, tokens IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER tokens_deleted ON tokens;
DROP TRIGGER tokens_updated ON tokens;
DROP TRIGGER tokens_truncated ON tokens;
DROP TRIGGER tokens_inserted ON tokens;
DROP TRIGGER tokens_replicated ON tokens;
DROP TRIGGER users_updated ON users;
DROP TRIGGER users_deleted ON users;
DROP TRIGGER users_replicated ON users;
DROP FUNCTION jeton_note_uses, jeton_remove_expired, jeton_deregister, jeton_renew, jeton_register, jeton_users_replicated, jeton_tokens_replicated, jeton_users_deleted, jeton_users_updated,
    jeton_tokens_inserted, jeton_tokens_truncated, jeton_tokens_updated, jeton_tokens_deleted, jeton_sees_all, jeton_log_revocations,
    jeton_commit_durably;
DROP TABLE locks, verifiers, revocations;
