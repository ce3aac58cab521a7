use crate::support::{
    CLI, change_password, count, create_user, database, execute, hash, interleave, is_stored, issue, outcome,
};
use jeton_domain::{TokenId, UserId};
use jeton_persistence::{PgConnection, users};
use uuid::Uuid;

fn with_three_tokens(connection: &mut PgConnection, name: &str) -> (UserId, [TokenId; 3]) {
    let user = create_user(connection, name).id;
    (user, [(); 3].map(|()| issue(connection, user)))
}

#[test]
fn a_change_keeps_one_token_and_revokes_the_others() {
    let (_, connection) = &mut database();
    let (ada, [first, kept, last]) = with_three_tokens(connection, "ada");
    let (bob, others) = with_three_tokens(connection, "bob");

    assert!(change_password(connection, ada, kept).unwrap());
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(5)));
    assert_eq!(
        [first, kept, last].map(|id| is_stored(connection, id)),
        [false, true, false]
    );
    assert_eq!(users::find_password_hash(connection, bob).unwrap(), Some(hash(4)));
    assert_eq!(others.map(|id| is_stored(connection, id)), [true; 3]);
}

#[test]
fn a_change_that_was_verified_against_an_older_password_does_nothing() {
    let (_, connection) = &mut database();
    let (ada, tokens) = with_three_tokens(connection, "ada");
    assert!(!outcome(
        users::change_password(connection, &CLI, ada, &hash(6), &hash(5), tokens[0]).unwrap()
    ));
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(4)));
    assert_eq!(tokens.map(|id| is_stored(connection, id)), [true; 3]);
}

#[test]
fn nobody_who_is_disabled_or_without_a_password_changes_it() {
    let (_, connection) = &mut database();
    let (ada, tokens) = with_three_tokens(connection, "ada");
    outcome(users::disable(connection, &CLI, ada).unwrap());
    assert!(!change_password(connection, ada, tokens[0]).unwrap());
    users::enable(connection, &CLI, ada).unwrap();
    execute(connection, "UPDATE users SET password_hash = NULL");
    assert!(!change_password(connection, ada, tokens[0]).unwrap());
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), None);
    assert_eq!(tokens.map(|id| is_stored(connection, id)), [true; 3]);

    let nobody = UserId(Uuid::now_v7());
    assert!(!change_password(connection, nobody, tokens[0]).unwrap());
}

/// The token to keep is one of the user's own: naming another user's protects nothing and harms nobody.
#[test]
fn a_change_that_keeps_somebody_elses_token_keeps_none() {
    let (_, connection) = &mut database();
    let (ada, tokens) = with_three_tokens(connection, "ada");
    let (_, others) = with_three_tokens(connection, "bob");
    assert!(change_password(connection, ada, others[0]).unwrap());
    assert_eq!(tokens.map(|id| is_stored(connection, id)), [false; 3]);
    assert_eq!(others.map(|id| is_stored(connection, id)), [true; 3]);
}

#[test]
fn the_operator_sets_one_and_revokes_everything() {
    let (_, connection) = &mut database();
    let (ada, tokens) = with_three_tokens(connection, "ada");
    let (bob, others) = with_three_tokens(connection, "bob");
    outcome(users::disable(connection, &CLI, ada).unwrap());

    assert!(outcome(
        users::set_password(connection, &CLI, ada, &hash(5)).unwrap()
    ));
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(5)));
    assert_eq!(tokens.map(|id| is_stored(connection, id)), [false; 3]);
    assert_eq!(users::find_password_hash(connection, bob).unwrap(), Some(hash(4)));
    assert_eq!(others.map(|id| is_stored(connection, id)), [true; 3]);

    assert!(!outcome(
        users::set_password(connection, &CLI, UserId(Uuid::now_v7()), &hash(5)).unwrap()
    ));
}

#[test]
fn the_highest_cost_is_that_of_the_most_costly_hash() {
    let (_, connection) = &mut database();
    assert_eq!(users::highest_bcrypt_cost(connection).unwrap(), None);
    for (name, cost) in [("ada", 5), ("bob", 10), ("eve", 4)] {
        let id = create_user(connection, name).id;
        assert!(outcome(
            users::set_password(connection, &CLI, id, &hash(cost)).unwrap()
        ));
    }
    execute(
        connection,
        "UPDATE users SET password_hash = NULL WHERE username = 'eve'",
    );
    // Nothing is checked at a cost that may not be.
    execute(
        connection,
        "UPDATE users SET password_hash = replace(password_hash, '$05$', '$20$') WHERE username = 'ada'",
    );
    assert_eq!(users::highest_bcrypt_cost(connection).unwrap(), Some(10));
    // Nor what was cut off: everybody's sign-in would take the time of one that nobody has.
    execute(
        connection,
        "UPDATE users SET password_hash = left(replace(password_hash, '$10$', '$18$'), 50) WHERE username = 'bob'",
    );
    assert_eq!(users::highest_bcrypt_cost(connection).unwrap(), None);
}

#[test]
fn a_hash_is_upgraded_and_nothing_else_happens() {
    let (_, connection) = &mut database();
    let (ada, tokens) = with_three_tokens(connection, "ada");
    execute(connection, "DELETE FROM audit_events; DELETE FROM revocations");
    assert!(!users::upgrade_password_hash(connection, ada, &hash(5), &hash(6)).unwrap());
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(4)));
    assert!(users::upgrade_password_hash(connection, ada, &hash(4), &hash(6)).unwrap());
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(6)));
    assert!(!users::upgrade_password_hash(connection, ada, &hash(4), &hash(7)).unwrap());
    assert_eq!(users::highest_bcrypt_cost(connection).unwrap(), Some(6));
    assert_eq!(tokens.map(|id| is_stored(connection, id)), [true; 3]);
    assert_eq!(
        count(connection, "revocations") + count(connection, "audit_events"),
        0
    );
}

/// What was set meanwhile stays.
#[test]
fn an_upgrade_does_not_undo_a_change() {
    type Change = fn(&mut PgConnection, UserId, TokenId) -> bool;
    let changes: [Change; 2] = [
        |c, ada, kept| {
            let by = &CLI;
            outcome(users::change_password(c, by, ada, &hash(4), &hash(5), kept).unwrap())
        },
        |c, ada, _| outcome(users::set_password(c, &CLI, ada, &hash(5)).unwrap()),
    ];
    for change in changes {
        let (database, connection) = &mut database();
        let (ada, [kept, ..]) = with_three_tokens(connection, "ada");
        let (changed, upgraded) = interleave(
            database,
            |c| Ok(change(c, ada, kept)),
            |c| users::upgrade_password_hash(c, ada, &hash(4), &hash(6)),
        );
        assert!(changed && !upgraded.unwrap());
        assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(5)));
    }
}

/// It was verified against what is no longer there: whoever changes it looks again.
#[test]
fn a_change_sees_that_the_hash_was_upgraded() {
    let (database, connection) = &mut database();
    let (ada, [kept, ..]) = with_three_tokens(connection, "ada");
    let (upgraded, changed) = interleave(
        database,
        |c| users::upgrade_password_hash(c, ada, &hash(4), &hash(6)),
        |c| change_password(c, ada, kept),
    );
    assert!(upgraded && !changed.unwrap());
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(6)));
}
