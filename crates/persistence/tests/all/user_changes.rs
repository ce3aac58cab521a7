//! Another name, another e-mail address; and what may happen at the same time.

use crate::support::{
    connect, create_user, execute, hash, interleave, is_stored, issue, new_token, new_user, outcome, xids,
};
use jeton_domain::{AuditContext, Email, User, UserChanges, UserId, Username};
use jeton_persistence::users::{self, USERNAME_TAKEN};
use jeton_persistence::{DatabaseError, DatabaseResult, PgConnection, tokens};
use jeton_proof_support::{TestDatabase, count};
use std::fmt::Debug;
use std::thread;

fn named(name: &str) -> UserChanges {
    UserChanges {
        username: Some(Username::parse(name).unwrap()),
        ..UserChanges::default()
    }
}

fn rename(connection: &mut PgConnection, id: UserId, name: &str) -> DatabaseResult<Option<User>> {
    users::change(connection, &AuditContext::cli(), id, &named(name)).map(outcome)
}

fn find(connection: &mut PgConnection, name: &str) -> Option<UserId> {
    let key = Username::parse(name).unwrap();
    users::find_by_username(connection, key.key())
        .unwrap()
        .map(|user| user.id)
}

#[track_caller]
fn is_taken<T: Debug>(result: DatabaseResult<T>) {
    assert!(
        matches!(&result, Err(DatabaseError::Conflict { constraint }) if constraint == USERNAME_TAKEN),
        "{result:?}"
    );
}

fn setting() -> (TestDatabase, PgConnection, UserId, UserId) {
    let database = TestDatabase::create();
    let mut connection = connect(&database);
    let ada = create_user(&mut connection, "ada").id;
    let bob = create_user(&mut connection, "bob").id;
    (database, connection, ada, bob)
}

#[test]
fn what_is_not_said_stays() {
    let (_database, mut connection, ada, bob) = setting();
    let before = users::find(&mut connection, ada).unwrap().unwrap();
    let changed = rename(&mut connection, ada, "Countess").unwrap().unwrap();
    assert_eq!(changed.username.as_str(), "Countess");
    let email = Email::parse("ada@example.org").unwrap();
    let mut set_email = |email: Option<Email>| {
        let changes = UserChanges {
            email: Some(email),
            ..UserChanges::default()
        };
        let changed = users::change(&mut connection, &AuditContext::cli(), ada, &changes);
        outcome(changed.unwrap()).unwrap()
    };
    let with_email = set_email(Some(email.clone()));
    assert_eq!(
        (with_email.username.as_str(), &with_email.email),
        ("Countess", &Some(email.as_str().to_owned()))
    );
    assert_eq!(set_email(None).email, None);
    let back = rename(&mut connection, ada, "ada").unwrap();
    assert_eq!(back.as_ref(), Some(&before));
    let nothing = users::change(
        &mut connection,
        &AuditContext::cli(),
        ada,
        &UserChanges::default(),
    );
    assert_eq!(outcome(nothing.unwrap()).as_ref(), Some(&before));
    assert_eq!(find(&mut connection, "bob"), Some(bob), "nobody else");
    assert_eq!(
        rename(&mut connection, UserId(uuid::Uuid::now_v7()), "eve").unwrap(),
        None
    );
}

/// A verifier remembers it.
#[test]
fn another_name_is_waited_for_and_another_address_is_not() {
    let (_database, mut connection, ada, _) = setting();
    let token = issue(&mut connection, ada);
    let renamed = users::change(&mut connection, &AuditContext::cli(), ada, &named("Ada")).unwrap();
    assert_eq!(xids(renamed).len(), 1);
    assert!(is_stored(&mut connection, token));
    execute(&mut connection, "DELETE FROM revocations");
    let changes = UserChanges {
        email: Some(Some(Email::parse("a@b").unwrap())),
        ..UserChanges::default()
    };
    let changed = users::change(&mut connection, &AuditContext::cli(), ada, &changes).unwrap();
    assert_eq!(xids(changed), []);
}

#[test]
fn a_name_is_taken_in_any_case_and_the_own_one_is_not() {
    let (_database, mut connection, ada, _) = setting();
    is_taken(rename(&mut connection, ada, "BOB"));
    rename(&mut connection, ada, "ADA").unwrap().unwrap();
    assert_eq!(
        count(&mut connection, "audit_events WHERE action = 'user-renamed'"),
        1
    );
}

#[test]
fn only_who_knows_the_password_of_now_changes_the_own_name() {
    let (_database, mut connection, ada, _) = setting();
    let mut change = |verified: u32| {
        let changes = named("countess");
        let by = AuditContext::cli();
        users::change_for_password(&mut connection, &by, ada, &hash(verified), &changes).map(outcome)
    };
    assert_eq!(change(5).unwrap(), None);
    assert!(change(4).unwrap().is_some());
    execute(&mut connection, "UPDATE users SET disabled_at = now()");
    let changed = users::change_for_password(
        &mut connection,
        &AuditContext::cli(),
        ada,
        &hash(4),
        &named("eve"),
    );
    assert_eq!(outcome(changed.unwrap()), None);
    assert_eq!(find(&mut connection, "countess"), Some(ada));
}

#[test]
fn of_two_who_want_one_name_one_gets_it() {
    let (database, mut connection, ada, bob) = setting();
    let (first, second) = interleave(&database, |c| rename(c, ada, "eve"), |c| rename(c, bob, "EVE"));
    assert!(first.is_some());
    is_taken(second);
    assert_eq!(find(&mut connection, "bob"), Some(bob));

    let (_, signed_up) = interleave(
        &database,
        |c| rename(c, bob, "mallory"),
        |c| users::create(c, &AuditContext::cli(), &new_user("Mallory")),
    );
    is_taken(signed_up);
    // And the other way round.
    let (_, renamed) = interleave(
        &database,
        |c| users::create(c, &AuditContext::cli(), &new_user("trent")),
        |c| rename(c, ada, "trent"),
    );
    is_taken(renamed);
}

/// Neither waits for the other for good.
#[test]
fn of_two_who_want_each_others_names_neither_is_kept_waiting() {
    let (database, mut connection, ada, bob) = setting();
    thread::scope(|scope| {
        let rename_often = |id: UserId, name: &'static str| {
            let database = &database;
            scope.spawn(move || {
                let connection = &mut connect(database);
                for _ in 0..200 {
                    is_taken(rename(connection, id, name));
                }
            })
        };
        rename_often(ada, "bob");
        rename_often(bob, "ada");
    });
    assert_eq!(find(&mut connection, "ada"), Some(ada));
    assert_eq!(find(&mut connection, "bob"), Some(bob));
}

#[test]
fn the_old_name_is_anybodys_once_it_is_given_up() {
    let (database, mut connection, ada, bob) = setting();
    let (_, second) = interleave(
        &database,
        |c| rename(c, ada, "countess"),
        |c| rename(c, bob, "ada"),
    );
    second.unwrap().unwrap();
    assert_eq!(find(&mut connection, "ada"), Some(bob));
    assert_eq!(find(&mut connection, "countess"), Some(ada));
}

#[test]
fn a_sign_in_during_a_rename_is_one_under_either_name() {
    let (database, mut connection, ada, _) = setting();
    let new = new_token();
    let (_, issued) = interleave(
        &database,
        |c| rename(c, ada, "countess"),
        |c| tokens::issue_for_password(c, &AuditContext::cli(), ada, &hash(4), &new).map(outcome),
    );
    assert!(issued.unwrap().token().is_some());
    let other = new_token();
    let (issued, renamed) = interleave(
        &database,
        |c| tokens::issue_for_password(c, &AuditContext::cli(), ada, &hash(4), &other).map(outcome),
        |c| rename(c, ada, "ada"),
    );
    assert!(issued.token().is_some() && renamed.unwrap().is_some());
    assert!(is_stored(&mut connection, new.id) && is_stored(&mut connection, other.id));
}

#[test]
fn who_is_deleted_meanwhile_is_not_renamed() {
    let (database, mut connection, ada, _) = setting();
    let (_, renamed) = interleave(
        &database,
        |c| users::delete(c, &AuditContext::cli(), ada).map(outcome),
        |c| rename(c, ada, "countess"),
    );
    assert_eq!(renamed.unwrap(), None);
    assert_eq!(find(&mut connection, "countess"), None);
}
