//! Rows that others wrote.

use super::*;

const USER: &str = "INSERT INTO users (id, username, username_key, scopes, email) VALUES ";

#[test]
fn users_who_cannot_sign_in_are_told() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    assert_eq!(found(&jeton, "users"), [""; 0]);
    let (a, b, c) = (
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1",
    );
    // A `lower()` in SQL is not the key.
    execute(
        &mut jeton.connect(),
        &format!(
            "{USER} ('{a}', 'Straße', 'straße', '{{}}', ''), ('{b}', 'STRASSE', 'other', '{{}}', NULL), \
            ('{c}', 'ADA', 'ADA', '{{}}', NULL)"
        ),
    );
    let told = found(&jeton, "users");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_told(&told, &[a, "\"Straße\", cannot sign in: username_key"]);
    assert_told(&told, &[b, &format!("it is the user {a}")]);
    let ada = jeton.find_user("ada").unwrap().user.id.to_string();
    assert_told(&told, &[c, &format!("it is the user {ada}")]);
    // As the remedy says.
    jeton.run(&format!("user rename {a} Straße")).ok();
    jeton.run(&format!("user rename {b} strasse2")).ok();
    jeton.run(&format!("user rename {c} ada2")).ok();
    assert_eq!(found(&jeton, "users"), [""; 0]);
}

#[test]
fn rows_that_cannot_be_read_are_told() {
    let jeton = Jeton::new().with_user("ada");
    execute(
        &mut jeton.connect(),
        "ALTER TABLE users DROP CONSTRAINT users_scopes_check; ALTER TABLE tokens DROP CONSTRAINT tokens_scopes_check",
    );
    for (column, value, told) in [
        ("username", "'a b c'", "by which nobody signs in"),
        ("email", "'nobody'", "an e-mail address that is none"),
        ("password_hash", "'md5xyz'", "a password hash that cannot be read"),
        ("password_hash", "''", "a password hash that cannot be read"),
        ("scopes", "'{two words}'", "scopes that are none"),
        ("scopes", "'{{a},{b}}'", "scopes that are none"),
        ("scopes", "'{NULL}'", "scopes that are none"),
        ("scopes", "array_fill('a'::text, '{65}')", "scopes that are none"),
        ("created_at", "'infinity'", "a time that cannot be told"),
    ] {
        let connection = &mut jeton.connect();
        // Where the tables refuse it, there is nothing to be found.
        let made = connection.batch_execute(&format!("BEGIN; UPDATE users SET {column} = {value}; COMMIT"));
        if made.is_ok() {
            let told_of = found(&jeton, "users");
            assert_told(&told_of, &["error: the user ", told]);
        } else {
            connection.batch_execute("ROLLBACK").unwrap();
        }
        execute(
            connection,
            "UPDATE users SET username = 'ada', email = NULL, password_hash = NULL, scopes = '{}', created_at = now()",
        );
    }
    execute(
        &mut jeton.connect(),
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
            SELECT gen_random_uuid(), id, sha256('a'), 'login', E'two\\nlines', '{}' FROM users",
    );
    assert_told(
        &found(&jeton, "tokens"),
        &["error: the token ", "a name that is none"],
    );
    execute(
        &mut jeton.connect(),
        "UPDATE tokens SET name = 'one', scopes = '{two words}'",
    );
    assert_told(
        &found(&jeton, "tokens"),
        &["error: the token ", "scopes that are none"],
    );
}

#[test]
fn of_very_many_faults_some_are_told_and_all_are_counted() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO users (id, username, username_key, scopes)
            SELECT gen_random_uuid(), 'User' || n, 'User' || n, '{}' FROM generate_series(1, 10050) AS n",
    );
    let told = found(&jeton, "users");
    assert_eq!(told.len(), 20, "{told:?}");
    assert_eq!(told[19], "error: and 10031 more users");
}

#[test]
fn rows_that_lie_in_the_future_are_told() {
    each_is_told(
        "future",
        &[
            (
                "INSERT INTO users (id, username, username_key, scopes, created_at)
                    VALUES (gen_random_uuid(), 'ada', 'ada', '{}', now() + interval '1 day')",
                &["error: created_at lies in the future: 1 rows of users"],
            ),
            (
                "INSERT INTO token_uses (token_id, last_used_at) VALUES (gen_random_uuid(), '9999-01-01')",
                &["error: last_used_at lies in the future: 1 rows of token_uses, up to 9999"],
            ),
            (
                "INSERT INTO network_attempts (network, failures, last_at) VALUES ('203.0.113.7', 1, now() + interval '1 year')",
                &["error: ", "network_attempts"],
            ),
            (
                "INSERT INTO audit_events (id, action, actor_label, at) VALUES (gen_random_uuid(), 'sign-in', 'cli', now() + interval '1 h')",
                &["error: ", "audit_events"],
            ),
        ],
    );
}

/// What is told to do about it, does it.
#[test]
fn attempts_that_lie_in_the_future_are_cleared_as_the_remedy_says() {
    let jeton = Jeton::new().with_user("ada");
    execute(
        &mut jeton.connect(),
        "INSERT INTO network_attempts (network, failures, last_at, in_flight) VALUES
            ('203.0.113.7', 1, now() + interval '1 year', '{}'),
            ('2001:db8::/64', 0, now(), ARRAY[now() + interval '1 year']);
        INSERT INTO account_attempts (account, network, failures, blocked_until, last_at, in_flight)
            SELECT sha256(convert_to(username_key, 'UTF8')), '0.0.0.0/0', 0, 'epoch', now() + interval '1 year',
                ARRAY[now() + interval '1 year'] FROM users",
    );
    let told = found(&jeton, "future");
    assert_eq!(told.len(), 4, "{told:?}");
    for table in ["account_attempts", "network_attempts"] {
        for column in ["last_at", "in_flight"] {
            let rows = format!("error: {column} lies in the future: 1 rows of {table}");
            assert_told(&told, &[&rows]);
        }
    }
    jeton.run("user unblock ada").ok();
    for network in ["203.0.113.7", "2001:db8::/64"] {
        assert_eq!(
            jeton.run(&format!("network unblock {network}")).ok(),
            format!("unblocked {network}\n")
        );
    }
    assert_eq!(found(&jeton, "future"), [""; 0]);
}

#[test]
fn a_time_of_the_cleanup_that_is_far_from_now_is_told() {
    each_is_told(
        "cleanup-clock",
        &[
            (
                "INSERT INTO cleanup_clock (shows, checked_at) VALUES (now(), '9999-01-01 00:00:00Z')",
                &["warning: the time that the cleanup goes by is ahead", "9999-01-0"],
            ),
            (
                "INSERT INTO cleanup_clock (shows, checked_at) VALUES ('2001-01-01', now())",
                &[
                    "warning: the time that the cleanup goes by is behind",
                    "at 2001-01-01",
                ],
            ),
        ],
    );
}
