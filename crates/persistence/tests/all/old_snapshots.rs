//! Changes typed into psql in a transaction that began before a token was issued, and does not see it.

use crate::support::{connect, count, create_user, execute, issue};
use jeton_proof_support::TestDatabase;

/// Of two changes in such a transaction, the first revokes nothing, and the second whatever there may be.
fn check(session: &str, harmless: &str, change: &str) {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let database = TestDatabase::create();
        let (now, old) = (&mut connect(&database), &mut connect(&database));
        let ada = create_user(now, "ada").id;
        execute(old, &format!("{session}; BEGIN ISOLATION LEVEL {isolation}"));
        assert_eq!(count(old, "tokens"), 0);
        issue(now, ada);
        execute(old, harmless);
        assert_eq!(count(old, "revocations"), 0, "{isolation}: nothing was revoked");
        execute(old, change);
        execute(old, "COMMIT");
        assert_eq!(count(now, "revocations WHERE digest = ''"), 1, "{isolation}");
    }
}

#[test]
fn a_change_of_a_user_reaches_tokens_that_its_transaction_cannot_see() {
    check(
        "",
        "UPDATE users SET email = 'ada@example.org'",
        "UPDATE users SET disabled_at = now()",
    );
}

/// With foreign keys on, Postgres refuses such a deletion. A restore turns them off.
#[test]
fn a_users_deletion_reaches_tokens_that_its_transaction_cannot_see() {
    check(
        "SET session_replication_role = replica",
        "DELETE FROM users WHERE username = 'nobody'",
        "DELETE FROM users",
    );
}
