//! What must not interleave, interleaved: the first holds its transaction open until the second waits for it.

use crate::support::{
    CLI, change_password, connect, create_user, database, execute, hash, interleave, is_stored, issue,
    new_token, outcome,
};
use diesel::Connection;
use jeton_domain::{NewToken, TokenId, TokenKind, UserId};
use jeton_persistence::tokens::Issue;
use jeton_persistence::{DatabaseResult, Pending, PgConnection, tokens, users};
use jeton_proof_support::TestDatabase;

/// A user with one token.
pub(crate) fn setting() -> (TestDatabase, PgConnection, UserId, TokenId) {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let token = issue(&mut connection, ada);
    (database, connection, ada, token)
}

pub(crate) fn log_in(c: &mut PgConnection, user: UserId, new: &NewToken) -> DatabaseResult<bool> {
    tokens::issue_for_password(c, &CLI, user, &hash(4), new).map(is_issued)
}

fn issue_by(c: &mut PgConnection, user: UserId, by: TokenId, new: &NewToken) -> DatabaseResult<bool> {
    tokens::issue_by_token(c, &CLI, user, by, new).map(is_issued)
}

fn is_issued(issue: Pending<Issue>) -> bool {
    outcome(issue).token().is_some()
}

fn revoke_all(c: &mut PgConnection, user: UserId) -> DatabaseResult<usize> {
    tokens::revoke_all(c, &CLI, user).map(outcome)
}

fn delete(c: &mut PgConnection, user: UserId) -> DatabaseResult<bool> {
    users::delete(c, &CLI, user).map(outcome)
}

#[test]
fn a_login_before_a_password_change_is_undone_by_it() {
    let (database, mut connection, ada, kept) = setting();
    let new = new_token();
    let (issued, changed) = interleave(
        &database,
        |c| log_in(c, ada, &new),
        |c| change_password(c, ada, kept),
    );
    assert!(issued && changed.unwrap());
    assert!(!is_stored(&mut connection, new.id));
    assert!(is_stored(&mut connection, kept));
}

#[test]
fn a_login_with_the_password_before_the_change_is_none() {
    let (database, mut connection, ada, kept) = setting();
    let new = new_token();
    let (changed, issued) = interleave(
        &database,
        |c| change_password(c, ada, kept),
        |c| log_in(c, ada, &new),
    );
    assert!(changed && !issued.unwrap());
    assert!(!is_stored(&mut connection, new.id));
}

#[test]
fn a_login_before_a_logout_everywhere_is_undone_by_it() {
    let (database, mut connection, ada, _) = setting();
    let new = new_token();
    let (issued, revoked) = interleave(&database, |c| log_in(c, ada, &new), |c| revoke_all(c, ada));
    assert!(issued);
    assert_eq!(revoked.unwrap(), 2);
    assert!(!is_stored(&mut connection, new.id));
}

/// It proved to know the password, and that still holds.
#[test]
fn a_login_after_a_logout_everywhere_stands() {
    let (database, mut connection, ada, old) = setting();
    let new = new_token();
    let (revoked, issued) = interleave(&database, |c| revoke_all(c, ada), |c| log_in(c, ada, &new));
    assert_eq!(revoked, 1);
    assert!(issued.unwrap());
    assert!(is_stored(&mut connection, new.id) && !is_stored(&mut connection, old));
}

#[test]
fn a_token_made_by_a_token_before_a_logout_everywhere_is_undone_by_it() {
    let (database, mut connection, ada, by) = setting();
    let new = new_token();
    let (issued, revoked) = interleave(&database, |c| issue_by(c, ada, by, &new), |c| revoke_all(c, ada));
    assert!(issued);
    assert_eq!(revoked.unwrap(), 2);
    assert!(!is_stored(&mut connection, new.id));
}

#[test]
fn a_token_that_everything_was_revoked_with_makes_none() {
    let (database, mut connection, ada, by) = setting();
    let new = new_token();
    let (revoked, issued) = interleave(&database, |c| revoke_all(c, ada), |c| issue_by(c, ada, by, &new));
    assert_eq!(revoked, 1);
    assert!(!issued.unwrap());
    assert!(!is_stored(&mut connection, new.id));
}

#[test]
fn a_token_that_a_password_change_revokes_makes_none() {
    let (database, mut connection, ada, by) = setting();
    let kept = issue(&mut connection, ada);
    let new = new_token();
    let (changed, issued) = interleave(
        &database,
        |c| change_password(c, ada, kept),
        |c| issue_by(c, ada, by, &new),
    );
    assert!(changed && !issued.unwrap());
    assert!(!is_stored(&mut connection, new.id));
}

#[test]
fn a_token_made_before_the_operator_sets_a_password_is_undone_by_it() {
    let (database, mut connection, ada, by) = setting();
    let new = new_token();
    let (issued, set) = interleave(
        &database,
        |c| issue_by(c, ada, by, &new),
        |c| users::set_password(c, &CLI, ada, &hash(5)).map(outcome),
    );
    assert!(issued && set.unwrap());
    assert!(!is_stored(&mut connection, new.id) && !is_stored(&mut connection, by));
}

#[test]
fn a_user_who_is_being_disabled_gets_no_token() {
    type Issue = fn(&mut PgConnection, UserId, TokenId, &NewToken) -> DatabaseResult<bool>;
    let ways: [Issue; 3] = [
        |c, user, _, new| log_in(c, user, new),
        |c, user, by, new| issue_by(c, user, by, new),
        |c, user, _, new| tokens::issue_by_operator(c, &CLI, user, new).map(is_issued),
    ];
    for way in ways {
        let (database, mut connection, ada, by) = setting();
        let new = new_token();
        let (_, issued) = interleave(
            &database,
            |c| users::disable(c, &CLI, ada).map(outcome),
            |c| way(c, ada, by, &new),
        );
        assert!(!issued.unwrap());
        assert!(!is_stored(&mut connection, new.id));
    }
}

#[test]
fn a_user_who_is_being_deleted_gets_no_token_and_no_error() {
    let (database, _, ada, by) = setting();
    let new = new_token();
    let (deleted, issued) = interleave(&database, |c| delete(c, ada), |c| issue_by(c, ada, by, &new));
    assert!(deleted && !issued.unwrap());

    let (database, _, ada, _) = setting();
    let (deleted, issued) = interleave(&database, |c| delete(c, ada), |c| log_in(c, ada, &new));
    assert!(deleted && !issued.unwrap());
}

#[test]
fn two_password_changes_have_one_winner() {
    let (database, mut connection, ada, winners) = setting();
    let [losers, third] = [(); 2].map(|()| issue(&mut connection, ada));
    let (first, second) = interleave(
        &database,
        |c| change_password(c, ada, winners),
        |c| users::change_password(c, &CLI, ada, &hash(4), &hash(6), losers).map(outcome),
    );
    assert!(first && !second.unwrap());
    assert_eq!(
        users::find_password_hash(&mut connection, ada).unwrap(),
        Some(hash(5))
    );
    assert_eq!(
        [winners, losers, third].map(|id| is_stored(&mut connection, id)),
        [true, false, false]
    );
}

#[test]
fn a_deletion_for_a_password_that_is_being_changed_does_nothing() {
    let (database, mut connection, ada, kept) = setting();
    let (changed, deleted) = interleave(
        &database,
        |c| change_password(c, ada, kept),
        |c| users::delete_for_password(c, &CLI, ada, &hash(4)).map(outcome),
    );
    assert!(changed && !deleted.unwrap());
    assert!(users::find(&mut connection, ada).unwrap().is_some());
    assert!(is_stored(&mut connection, kept));
}

#[test]
fn two_revocations_of_a_token_do_not_find_it_both() {
    let (database, mut connection, ada, token) = setting();
    let (first, second) = interleave(
        &database,
        |c| tokens::revoke(c, &CLI, ada, token).map(outcome),
        |c| tokens::revoke(c, &CLI, ada, token).map(outcome),
    );
    assert!(first && !second.unwrap());
    assert!(!is_stored(&mut connection, token));
}

/// Whoever issues a token counts the user's first, and no other comes in between.
#[test]
fn two_logins_with_one_place_left_do_not_share_it() {
    let (database, mut connection, ada, old) = setting();
    let [first, second] = [0, 1].map(|_| NewToken {
        user_limit: 2,
        ..new_token()
    });
    let (one, other) = interleave(
        &database,
        |c| log_in(c, ada, &first),
        |c| tokens::issue_for_password(c, &CLI, ada, &hash(4), &second),
    );
    assert!(one);
    let (issue, xids) = other.unwrap().into_unconfirmed();
    assert!(matches!(issue, tokens::Issue::RoomMade));
    assert_eq!(xids.len(), 1);
    assert_eq!(
        [old, first.id, second.id].map(|id| is_stored(&mut connection, id)),
        [false, true, false]
    );
}

#[test]
fn a_token_that_asks_while_a_login_takes_its_place_makes_none() {
    let (database, mut connection, ada, by) = setting();
    issue(&mut connection, ada);
    let [login, program] = [TokenKind::Login, TokenKind::Personal].map(|kind| NewToken {
        kind,
        user_limit: 2,
        ..new_token()
    });
    let (one, other) = interleave(
        &database,
        |c| log_in(c, ada, &login),
        |c| issue_by(c, ada, by, &program),
    );
    // The login has made room, so far.
    assert!(!one && !other.unwrap());
    assert!(!is_stored(&mut connection, by) && !is_stored(&mut connection, program.id));
}

/// The lock is the user's own.
#[test]
fn logins_of_two_users_do_not_wait_for_each_other() {
    let (database, mut connection, ada, _) = setting();
    let bob = create_user(&mut connection, "bob").id;
    let mut other = connect(&database);
    // It would wait for as long as the first one's transaction is open.
    execute(&mut other, "SET lock_timeout = '10s'");
    let both: DatabaseResult<_> = connection.transaction(|connection| {
        Ok([
            log_in(connection, ada, &new_token())?,
            log_in(&mut other, bob, &new_token())?,
        ])
    });
    assert_eq!(both.unwrap(), [true; 2]);
}
