//! Transactions that lock and then look, where a session's statements see only what was there when the transaction began,
//! unless it says otherwise: the database's default, of a session that has lost what was set for it behind a pool.

use crate::races::{self, log_in};
use crate::support::{
    CLI, change_password, constraint, count, create_user, execute, hash, interleave, is_stored, issued,
    new_token, outcome, scopes, text,
};
use jeton_domain::{NewToken, TokenId, TokenKind, UserId};
use jeton_persistence::{DatabaseResult, LAST_ADMIN, PgConnection, tokens, users};
use jeton_proof_support::TestDatabase;

/// A user with one token.
fn setting() -> (TestDatabase, PgConnection, UserId, TokenId) {
    let (database, mut connection, ada, token) = races::setting();
    execute(
        &mut connection,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', \
            current_database()); END $$",
    );
    (database, connection, ada, token)
}

/// The session as it comes from a pool that knows nothing of what was set for it.
fn forget_settings(connection: &mut PgConnection) {
    execute(connection, "RESET ALL");
    let default = text(
        connection,
        "SELECT current_setting('default_transaction_isolation')",
    );
    assert_eq!(default, "repeatable read");
}

/// As [`interleave`], with the second in such a session.
fn interleave_unset<A, B: Send>(
    database: &TestDatabase,
    first: impl FnOnce(&mut PgConnection) -> DatabaseResult<A>,
    second: impl FnOnce(&mut PgConnection) -> DatabaseResult<B> + Send,
) -> (A, DatabaseResult<B>) {
    interleave(database, first, |c| {
        forget_settings(c);
        second(c)
    })
}

/// The token was not there when any of these began, and is when they come to their turn.
#[test]
fn a_token_that_was_issued_meanwhile_is_revoked() {
    type Act = fn(&mut PgConnection, UserId, TokenId) -> DatabaseResult<()>;
    let acts: [Act; 4] = [
        |c, user, kept| users::change_password(c, &CLI, user, &hash(4), &hash(5), kept).map(drop),
        |c, user, _| users::set_password(c, &CLI, user, &hash(5)).map(drop),
        |c, user, _| tokens::revoke_all(c, &CLI, user).map(drop),
        |c, user, kept| tokens::revoke_others(c, &CLI, user, kept).map(drop),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let (database, mut connection, ada, kept) = setting();
        let new = new_token();
        let (issued, acted) = interleave_unset(&database, |c| log_in(c, ada, &new), |c| act(c, ada, kept));
        assert!(issued);
        acted.unwrap();
        assert!(!is_stored(&mut connection, new.id), "act {number}");
    }
}

#[test]
fn a_password_that_was_changed_meanwhile_gives_no_token() {
    let (database, mut connection, ada, kept) = setting();
    let new = new_token();
    let (changed, issued) = interleave_unset(
        &database,
        |c| change_password(c, ada, kept),
        |c| log_in(c, ada, &new),
    );
    assert!(changed && !issued.unwrap());
    assert!(!is_stored(&mut connection, new.id));
}

#[test]
fn a_token_that_was_issued_meanwhile_is_counted() {
    let (database, mut connection, ada, _) = setting();
    let program = || NewToken {
        kind: TokenKind::Personal,
        user_limit: 2,
        ..new_token()
    };
    let issue = |c: &mut PgConnection| issued(tokens::issue_by_operator(c, &CLI, ada, &program()));
    let (first, second) = interleave_unset(&database, |c| Ok(issue(c)), |c| Ok(issue(c)));
    assert!(first.is_some() && second.unwrap().is_none());
    assert_eq!(count(&mut connection, "tokens WHERE kind = 'personal'"), 1);
}

#[test]
fn two_admins_do_not_remove_each_other() {
    let (database, mut connection, ada, _) = setting();
    let bob = create_user(&mut connection, "bob").id;
    for admin in [ada, bob] {
        let given = users::set_scopes(&mut connection, &CLI, admin, &scopes("admin"));
        outcome(given.unwrap()).unwrap();
    }
    let (removed, other) = interleave_unset(
        &database,
        |c| users::disable(c, &CLI, bob).map(outcome),
        |c| users::delete(c, &CLI, ada),
    );
    assert!(removed.is_some());
    assert_eq!(constraint(other), LAST_ADMIN);
}
