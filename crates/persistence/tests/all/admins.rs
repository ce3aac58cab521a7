//! One admin who can sign in has to stay.

use crate::support::{
    CLI, connect, constraint, database, execute, hash, interleave, new_user, outcome, scopes,
};
use jeton_domain::{NewUser, UserId};
use jeton_persistence::{DatabaseResult, LAST_ADMIN, PgConnection, users};
use std::thread;

fn create(connection: &mut PgConnection, name: &str, of_scopes: &str, service: bool) -> UserId {
    let user = NewUser {
        scopes: scopes(of_scopes),
        service,
        password_hash: (!service).then(|| hash(4)),
        ..new_user(name)
    };
    users::create(connection, &CLI, &user).unwrap().id
}

type Act = fn(&mut PgConnection, UserId) -> DatabaseResult<bool>;

/// Each takes an admin away.
const ACTS: [(&str, Act); 4] = [
    ("disable", |connection, id| {
        Ok(outcome(users::disable(connection, &CLI, id)?).is_some())
    }),
    ("delete", |connection, id| {
        Ok(outcome(users::delete(connection, &CLI, id)?))
    }),
    ("delete_for_password", |connection, id| {
        let deleted = users::delete_for_password(connection, &CLI, id, &hash(4))?;
        Ok(outcome(deleted))
    }),
    ("set_scopes", |connection, id| {
        let less = scopes("notes:read admin:read");
        Ok(outcome(users::set_scopes(connection, &CLI, id, &less)?).is_some())
    }),
];

#[test]
fn the_last_admin_stays_and_the_others_may_go() {
    for (what, act) in ACTS {
        let (_, connection) = &mut database();
        let ada = create(connection, "ada", "admin notes:read", false);
        // None of these could sign in and be one.
        create(connection, "robot", "admin", true);
        create(connection, "bob", "notes:read", false);
        let off = create(connection, "off", "admin", false);
        outcome(users::disable(connection, &CLI, off).unwrap());
        // Nor these, as an importer may have written them.
        for (name, change) in [
            ("unread", "password_hash = 'sesame'"),
            ("unfound", "username_key = 'Unfound'"),
        ] {
            let id = create(connection, name, "admin", false);
            execute(
                connection,
                &format!("UPDATE users SET {change} WHERE id = '{id}'"),
            );
        }

        assert_eq!(constraint(act(connection, ada)), LAST_ADMIN);
        let found = users::find(connection, ada).unwrap().unwrap();
        assert!(
            found.disabled_at.is_none() && found.scopes.contains("admin"),
            "{what}"
        );

        users::enable(connection, &CLI, off).unwrap();
        assert!(act(connection, ada).unwrap(), "{what}");
        assert_eq!(constraint(act(connection, off)), LAST_ADMIN);
    }
}

#[test]
fn a_user_who_is_no_admin_who_can_sign_in_may_always_go() {
    for (what, act) in ACTS {
        let (_, connection) = &mut database();
        create(connection, "ada", "admin", false);
        let bob = create(connection, "bob", "notes:read", false);
        assert!(act(connection, bob).unwrap(), "{what}");
        assert!(!act(connection, UserId(uuid::Uuid::now_v7())).unwrap(), "{what}");
        if what != "delete_for_password" {
            let robot = create(connection, "robot", "admin", true);
            assert!(act(connection, robot).unwrap(), "{what}");
        }
    }
}

#[test]
fn an_admin_who_stays_one_may_have_other_scopes() {
    let (_, connection) = &mut database();
    let ada = create(connection, "ada", "admin notes:read", false);
    let set = users::set_scopes(connection, &CLI, ada, &scopes("admin")).unwrap();
    assert_eq!(outcome(set).unwrap().scopes, scopes("admin"));
}

/// Each sees the other still there, and neither waits for the other's row.
#[test]
fn two_admins_who_remove_each_other_leave_one() {
    for (first, one) in ACTS {
        for (second, other) in ACTS {
            let (database, connection) = &mut database();
            let ada = create(connection, "ada", "admin", false);
            let bob = create(connection, "bob", "admin", false);
            let (done, refused) = interleave(database, |c| one(c, bob), |c| other(c, ada));
            assert!(done, "{first} {second}");
            assert_eq!(constraint(refused), LAST_ADMIN);
        }
    }
}

#[test]
fn admins_who_go_at_once_leave_one() {
    let (database, connection) = &mut database();
    let admins: Vec<UserId> = (0..8)
        .map(|number| create(connection, &format!("admin{number}"), "admin", false))
        .collect();
    let gone = thread::scope(|scope| {
        let acts: Vec<_> = admins
            .iter()
            .enumerate()
            .map(|(number, &id)| {
                let mut connection = connect(database);
                scope.spawn(move || ACTS[number % ACTS.len()].1(&mut connection, id).is_ok())
            })
            .collect();
        let done = acts.into_iter().map(|act| act.join().unwrap());
        done.filter(|done| *done).count()
    });
    assert_eq!(gone, 7);
}
