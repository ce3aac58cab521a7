use crate::support::{
    CLI, count, create_user, database, execute, hash, issue, new_user, outcome, scopes, text,
};
use jeton_coherence::lookups;
use jeton_domain::{Email, NewUser, UserId, Username, UsernameKey};
use jeton_persistence::users::UserFilter;
use jeton_persistence::{PgConnection, users};
use uuid::Uuid;

fn key(name: &str) -> jeton_domain::UsernameKey {
    Username::parse(name).unwrap().key().clone()
}

fn nobody() -> UserId {
    UserId(Uuid::now_v7())
}

#[test]
fn a_user_is_found_as_created() {
    let (_, connection) = &mut database();
    let new = NewUser {
        email: Some(Email::parse("ada@example.org").unwrap()),
        ..new_user("Ada.Straße")
    };
    let created = users::create(connection, &CLI, &new).unwrap();
    assert_eq!(created.id, new.id);
    assert_eq!(created.username.as_str(), "Ada.Straße");
    assert_eq!(created.email.as_deref(), Some("ada@example.org"));
    assert_eq!(created.scopes, new.scopes);
    assert_eq!(created.disabled_at, None);
    let by_clock = "SELECT created_at BETWEEN now() - interval '1 minute' AND now() FROM users";
    assert_eq!(text(connection, by_clock), "true");

    assert_eq!(users::find(connection, new.id).unwrap(), Some(created.clone()));
    for name in ["Ada.Straße", "ADA.STRASSE", "ada.strasse"] {
        let found = users::find_by_username(connection, &key(name)).unwrap();
        assert_eq!(found.as_ref(), Some(&created), "{name}");
        assert!(users::is_taken(connection, &key(name)).unwrap(), "{name}");
    }
    let for_sign_in = users::find_for_sign_in(connection, &key("ada.straße"))
        .unwrap()
        .unwrap();
    assert_eq!(for_sign_in.user, created);
    assert_eq!(for_sign_in.password_hash, Some(hash(4)));
    assert_eq!(
        users::find_password_hash(connection, new.id).unwrap(),
        Some(hash(4))
    );
}

#[test]
fn a_user_who_is_not_there_is_none() {
    let (_, connection) = &mut database();
    create_user(connection, "ada");
    assert_eq!(users::find(connection, nobody()).unwrap(), None);
    assert_eq!(users::find_by_username(connection, &key("adam")).unwrap(), None);
    assert!(
        users::find_for_sign_in(connection, &key("adam"))
            .unwrap()
            .is_none()
    );
    assert_eq!(users::find_password_hash(connection, nobody()).unwrap(), None);
    assert!(!users::is_taken(connection, &key("adam")).unwrap());
    assert_eq!(
        outcome(users::set_scopes(connection, &CLI, nobody(), &scopes("")).unwrap()),
        None
    );
    assert_eq!(outcome(users::disable(connection, &CLI, nobody()).unwrap()), None);
    assert_eq!(users::enable(connection, &CLI, nobody()).unwrap(), None);
    assert!(!outcome(users::delete(connection, &CLI, nobody()).unwrap()));
    assert!(!outcome(
        users::delete_for_password(connection, &CLI, nobody(), &hash(4)).unwrap()
    ));
}

#[test]
fn a_service_account_has_no_password() {
    let (_, connection) = &mut database();
    let new = NewUser {
        service: true,
        password_hash: None,
        ..new_user("backup")
    };
    let id = users::create(connection, &CLI, &new).unwrap().id;
    assert_eq!(users::find_password_hash(connection, id).unwrap(), None);
    let found = users::find_for_sign_in(connection, &key("backup"))
        .unwrap()
        .unwrap();
    assert_eq!(found.password_hash, None);
}

#[test]
fn pages_go_from_new_to_old_and_end() {
    let (_, connection) = &mut database();
    let mut ids: Vec<UserId> = (0..5)
        .map(|number| create_user(connection, &format!("user{number}")).id)
        .collect();
    ids.reverse();
    let mut page = |after, limit| -> Vec<UserId> {
        let users = users::list(connection, &users::UserFilter::default(), after, limit).unwrap();
        users.into_iter().map(|user| user.id).collect()
    };
    assert_eq!(page(None, 10), ids);
    assert_eq!(page(None, 2), ids[..2]);
    assert_eq!(page(Some(ids[1]), 2), ids[2..4]);
    assert_eq!(page(Some(ids[3]), 2), ids[4..]);
    assert_eq!(page(Some(ids[4]), 2), []);
}

#[test]
fn disabling_twice_keeps_the_first_time() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada").id, create_user(connection, "bob"));
    let token = issue(connection, ada);

    let first = outcome(users::disable(connection, &CLI, ada).unwrap())
        .unwrap()
        .disabled_at;
    assert!(first.is_some());
    let again = outcome(users::disable(connection, &CLI, ada).unwrap())
        .unwrap()
        .disabled_at;
    assert_eq!(again, first);
    assert_eq!(users::find(connection, bob.id).unwrap(), Some(bob), "nobody else");

    let enabled = users::enable(connection, &CLI, ada).unwrap().unwrap();
    assert_eq!(enabled.disabled_at, None);
    assert_eq!(users::enable(connection, &CLI, ada).unwrap(), Some(enabled));
    assert_eq!(count(connection, &format!("tokens WHERE id = '{token}'")), 1);

    let later = outcome(users::disable(connection, &CLI, ada).unwrap())
        .unwrap()
        .disabled_at;
    assert!(later > first);
}

#[test]
fn scopes_are_set_for_one_user() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada").id, create_user(connection, "bob"));
    let changed = outcome(users::set_scopes(connection, &CLI, ada, &scopes("b:z a:y")).unwrap()).unwrap();
    assert_eq!(changed.scopes, scopes("a:y b:z"));
    assert_eq!(users::find(connection, ada).unwrap(), Some(changed));
    assert_eq!(users::find(connection, bob.id).unwrap(), Some(bob));
    let none = outcome(users::set_scopes(connection, &CLI, ada, &scopes("")).unwrap()).unwrap();
    assert_eq!(none.scopes, scopes(""));
}

/// Gives a user a token.
fn settle(connection: &mut PgConnection, name: &str) -> UserId {
    let id = create_user(connection, name).id;
    issue(connection, id);
    id
}

fn belongings(connection: &mut PgConnection, user: UserId) -> i64 {
    count(connection, &format!("tokens WHERE user_id = '{user}'"))
}

#[test]
fn deleting_takes_tokens_along() {
    let (_, connection) = &mut database();
    let (ada, bob) = (settle(connection, "ada"), settle(connection, "bob"));
    assert!(outcome(users::delete(connection, &CLI, ada).unwrap()));
    assert_eq!(users::find(connection, ada).unwrap(), None);
    assert_eq!(belongings(connection, ada), 0);
    assert_eq!(belongings(connection, bob), 1);
    assert!(!outcome(users::delete(connection, &CLI, ada).unwrap()));
    create_user(connection, "ADA");
}

#[test]
fn deleting_for_a_password_needs_the_one_of_now() {
    let (_, connection) = &mut database();
    let (ada, bob) = (settle(connection, "ada"), settle(connection, "bob"));
    assert!(!outcome(
        users::delete_for_password(connection, &CLI, ada, &hash(5)).unwrap()
    ));
    assert_eq!(belongings(connection, ada), 1);
    assert!(outcome(
        users::delete_for_password(connection, &CLI, ada, &hash(4)).unwrap()
    ));
    assert_eq!(users::find(connection, ada).unwrap(), None);
    assert_eq!(belongings(connection, ada), 0);
    assert_eq!(
        belongings(connection, bob),
        1,
        "the same password, and another user"
    );
}

/// What SQL accepts, is read, and is in nobody's way.
#[test]
fn rows_against_the_rules_are_read_as_they_are() {
    let (_, connection) = &mut database();
    let bob = create_user(connection, "bob");
    for (change, username, email, read) in [
        (
            "username = E'two\nwords'",
            "two\nwords",
            None,
            "notes:read notes:write",
        ),
        (
            "email = 'nowhere'",
            "ada",
            Some("nowhere"),
            "notes:read notes:write",
        ),
        // What Django writes for none.
        ("email = ''", "ada", None, "notes:read notes:write"),
        (
            "scopes = ARRAY['two words', 'b', '', 'a', 'a']",
            "ada",
            None,
            "a b",
        ),
        (
            "scopes = ARRAY(SELECT 's' || n FROM generate_series(100, 164) AS n)",
            "ada",
            None,
            "",
        ),
        (
            "username_key = 'elsewhere'",
            "ada",
            None,
            "notes:read notes:write",
        ),
    ] {
        let ada = create_user(connection, "ada").id;
        execute(
            connection,
            &format!("UPDATE users SET {change} WHERE id = '{ada}'"),
        );
        let found = users::find(connection, ada).unwrap().unwrap();
        assert_eq!(
            (found.username.as_str(), found.email.as_deref()),
            (username, email),
            "{change}"
        );
        assert!(
            read.is_empty() || found.scopes == scopes(read),
            "{change}: {}",
            found.scopes
        );
        let listed = users::list(connection, &UserFilter::default(), None, 10).unwrap();
        assert_eq!(listed, [found.clone(), bob.clone()], "{change}");

        let disabled = outcome(users::disable(connection, &CLI, ada).unwrap()).unwrap();
        assert!(disabled.disabled_at.is_some(), "{change}");
        assert_eq!(
            users::enable(connection, &CLI, ada).unwrap(),
            Some(found.clone()),
            "{change}"
        );
        // All that can be read of it, and no more than that.
        let set = outcome(users::set_scopes(connection, &CLI, ada, &found.scopes).unwrap());
        assert_eq!(set, Some(found.clone()), "{change}");
        let stored = text(
            connection,
            &format!("SELECT array_to_string(scopes, ' ') FROM users WHERE id = '{ada}'"),
        );
        assert_eq!(stored, found.scopes.to_string(), "{change}");
        assert!(outcome(users::delete(connection, &CLI, ada).unwrap()), "{change}");
    }
    // A hash that cannot be read is nobody's password, and no defect of the row: whoever asks is not told from others.
    execute(connection, "UPDATE users SET password_hash = 'sesame'");
    let for_sign_in = users::find_for_sign_in(connection, &key("bob")).unwrap();
    let hash = users::find_password_hash(connection, bob.id).unwrap().unwrap();
    assert_eq!(for_sign_in.unwrap().password_hash.as_ref(), Some(&hash));
    assert!(!hash.is_readable());
}

/// An array with a NULL can only be there where the constraint is not.
#[test]
fn a_null_among_the_scopes_gives_nothing() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let token = crate::support::new_token();
    crate::support::issue_this(connection, ada, &token);
    execute(
        connection,
        "ALTER TABLE users DROP CONSTRAINT users_scopes_check; UPDATE users SET scopes = '{NULL,notes:read}'",
    );
    assert_eq!(
        users::find(connection, ada).unwrap().unwrap().scopes,
        scopes("notes:read")
    );
    let (_, found) = connection
        .wait(async |c| lookups::find_valid(c, &[token.digest]).await)
        .unwrap()
        .remove(0);
    assert_eq!(found.unwrap().scopes, scopes("notes:read"));
}

fn names(connection: &mut PgConnection, filter: &UserFilter) -> Vec<String> {
    let found = users::list(connection, filter, None, 100).unwrap();
    found.into_iter().map(|user| user.username).collect()
}

#[test]
fn a_list_may_be_of_some_only() {
    let (_, connection) = &mut database();
    for name in ["Ada", "adam", "a_a", "axa", "Straße", "STRASSENBAHN"] {
        create_user(connection, name);
    }
    let robot = NewUser {
        service: true,
        password_hash: None,
        ..new_user("ada.robot")
    };
    let robot = users::create(connection, &CLI, &robot).unwrap();
    assert!(robot.service);
    let adam = Username::parse("adam").unwrap();
    let off = users::find_by_username(connection, adam.key()).unwrap().unwrap();
    assert!(!off.service);
    outcome(users::disable(connection, &CLI, off.id).unwrap());

    let prefix = |text| UserFilter {
        prefix: Some(UsernameKey::of_prefix(text)),
        ..UserFilter::default()
    };
    for (text, found) in [
        ("ada", &["ada.robot", "adam", "Ada"][..]),
        ("ADA", &["ada.robot", "adam", "Ada"]),
        ("ａｄａｍ", &["adam"]),
        ("strass", &["STRASSENBAHN", "Straße"]),
        ("a_", &["a_a"]),
        ("a%", &[]),
        ("\\", &[]),
        ("b", &[]),
        // No text in Postgres can have it.
        ("a\0", &[]),
    ] {
        assert_eq!(names(connection, &prefix(text)), found, "{text}");
    }
    assert_eq!(names(connection, &prefix("")).len(), 7);
    let all = UserFilter {
        disabled: Some(false),
        service: Some(false),
        ..prefix("ada")
    };
    assert_eq!(names(connection, &all), ["Ada"]);
    let disabled = UserFilter {
        disabled: Some(true),
        ..UserFilter::default()
    };
    assert_eq!(names(connection, &disabled), ["adam"]);
    let service = UserFilter {
        service: Some(true),
        ..UserFilter::default()
    };
    assert_eq!(names(connection, &service), ["ada.robot"]);
}
