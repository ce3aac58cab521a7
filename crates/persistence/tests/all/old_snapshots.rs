//! Changes typed into psql in a transaction that began before a token was issued, and does not see it.

use crate::support::{connect, count, create_user, execute, issue};
use jeton_proof_support::TestDatabase;

#[test]
fn a_change_of_a_user_reaches_tokens_that_its_transaction_cannot_see() {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let database = TestDatabase::create();
        let (now, old) = (&mut connect(&database), &mut connect(&database));
        let ada = create_user(now, "ada").id;
        execute(old, &format!("BEGIN ISOLATION LEVEL {isolation}"));
        assert_eq!(count(old, "tokens"), 0);
        issue(now, ada);
        execute(old, "UPDATE users SET email = 'ada@example.org'");
        assert_eq!(count(old, "revocations"), 0, "{isolation}: nothing was revoked");
        execute(old, "UPDATE users SET disabled_at = now()");
        execute(old, "COMMIT");
        assert_eq!(count(now, "revocations WHERE digest = ''"), 1, "{isolation}");
    }
}

/// With foreign keys on, Postgres refuses such a deletion. A restore turns them off.
#[test]
fn a_users_deletion_reaches_tokens_that_its_transaction_cannot_see() {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let database = TestDatabase::create();
        let (now, old) = (&mut connect(&database), &mut connect(&database));
        let ada = create_user(now, "ada").id;
        execute(
            old,
            &format!("SET session_replication_role = replica; BEGIN ISOLATION LEVEL {isolation}"),
        );
        assert_eq!(count(old, "tokens"), 0);
        issue(now, ada);
        execute(old, "DELETE FROM users WHERE username = 'nobody'");
        assert_eq!(count(old, "revocations"), 0, "{isolation}: nothing was revoked");
        execute(old, "DELETE FROM users");
        execute(old, "COMMIT");
        assert_eq!(count(now, "revocations WHERE digest = ''"), 1, "{isolation}");
    }
}
