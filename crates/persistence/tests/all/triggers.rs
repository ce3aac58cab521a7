//! What the log of revocations says of statements as they are typed into psql.

use crate::logbook::{log, logged_by, setting};
use crate::support::{count, execute};
use jeton_persistence::PgConnection;

fn check(cases: &[(&str, &str)]) {
    let (_, connection, _) = &mut setting();
    for (statements, logged) in cases {
        assert_eq!(logged_by(connection, statements), *logged, "{statements}");
    }
    assert_eq!(log(connection), "", "what is taken back leaves nothing");
}

#[test]
fn tokens_that_are_deleted() {
    check(&[
        ("DELETE FROM tokens WHERE name = 'a'", "a"),
        ("DELETE FROM tokens WHERE name IN ('b', 'd')", "bd"),
        ("DELETE FROM tokens", "abcd"),
        ("DELETE FROM tokens WHERE false", ""),
        (
            "WITH gone AS (DELETE FROM tokens WHERE name < 'c' RETURNING id) SELECT count(*) FROM gone",
            "ab",
        ),
        ("DELETE FROM users WHERE username = 'ada'", "abc"),
        ("DELETE FROM users", "abcd"),
        ("TRUNCATE tokens", "*"),
        ("TRUNCATE users CASCADE", "*"),
    ]);
}

#[test]
fn tokens_that_are_no_longer_what_they_were() {
    check(&[
        ("UPDATE tokens SET scopes = '{}' WHERE name < 'c'", "ab"),
        ("UPDATE tokens SET scopes = scopes || '{admin}'", "abcd"),
        ("UPDATE tokens SET kind = 'personal' WHERE name = 'b'", "b"),
        (
            "UPDATE tokens SET user_id = (SELECT id FROM users WHERE username = 'bob')",
            "abc",
        ),
        ("UPDATE tokens SET id = gen_random_uuid() WHERE name = 'd'", "d"),
        // What is remembered is the digest from before.
        (
            "UPDATE tokens SET digest = sha256(digest) WHERE name IN ('a', 'd')",
            "ad",
        ),
        (
            "INSERT INTO tokens SELECT * FROM tokens WHERE name = 'a'
                    ON CONFLICT (id) DO UPDATE SET scopes = '{}'",
            "a",
        ),
    ]);
}

#[test]
fn tokens_that_end_earlier() {
    check(&[
        (
            "UPDATE tokens SET expires_at = expires_at - interval '1 microsecond' WHERE name < 'd'",
            "ab",
        ),
        ("UPDATE tokens SET expires_at = now()", "abcd"),
        // From never to a day.
        (
            "UPDATE tokens SET expires_at = '9999-12-31' WHERE name = 'c'",
            "c",
        ),
        (
            "UPDATE tokens SET expires_at = coalesce(expires_at, now()) + interval '1 day'",
            "c",
        ),
    ]);
}

#[test]
fn nothing_is_said_of_what_verifiers_do_not_remember() {
    check(&[
        (
            "UPDATE tokens SET expires_at = expires_at + interval '1 microsecond'",
            "",
        ),
        ("UPDATE tokens SET expires_at = NULL", ""),
        ("UPDATE tokens SET name = 'another'", ""),
        ("UPDATE tokens SET created_at = '2020-01-01'", ""),
        (
            "UPDATE tokens SET scopes = scopes, digest = digest, expires_at = expires_at",
            "",
        ),
        ("UPDATE tokens SET scopes = '{}' WHERE false", ""),
        (
            "INSERT INTO tokens SELECT gen_random_uuid(), user_id, sha256(digest), kind, name, scopes FROM tokens",
            "",
        ),
        ("UPDATE users SET email = 'ada@example.org'", ""),
        (
            "UPDATE users SET password_hash = 'another', username_key = id::text",
            "",
        ),
        ("UPDATE users SET created_at = '2020-01-01'", ""),
        (
            "UPDATE users SET scopes = scopes, disabled_at = disabled_at, username = username",
            "",
        ),
        ("UPDATE users SET scopes = '{}' WHERE false", ""),
    ]);
}

#[test]
fn users_who_are_no_longer_what_they_were() {
    check(&[
        ("UPDATE users SET scopes = '{}' WHERE username = 'ada'", "abc"),
        ("UPDATE users SET scopes = '{}' WHERE username = 'bob'", "d"),
        ("UPDATE users SET scopes = scopes || '{admin}'", "abcd"),
        (
            "UPDATE users SET disabled_at = now() WHERE username = 'ada'",
            "abc",
        ),
        (
            "UPDATE users SET username = username || '.' WHERE username = 'bob'",
            "d",
        ),
        // Of those whom the statement touches, those whom it changes.
        (
            "UPDATE users SET scopes = CASE username WHEN 'bob' THEN '{}' ELSE scopes END",
            "d",
        ),
        (
            "INSERT INTO users SELECT * FROM users WHERE username = 'ada'
                    ON CONFLICT (id) DO UPDATE SET disabled_at = now()",
            "abc",
        ),
    ]);
}

#[test]
fn the_same_token_twice_in_a_transaction_is_said_once() {
    check(&[
        (
            "UPDATE tokens SET scopes = '{}' WHERE name = 'a'; DELETE FROM tokens WHERE name = 'a'",
            "a",
        ),
        (
            "UPDATE users SET scopes = '{}'; UPDATE users SET disabled_at = now(); DELETE FROM users",
            "abcd",
        ),
        (
            "UPDATE tokens SET scopes = '{}'; UPDATE tokens SET scopes = '{x}'",
            "abcd",
        ),
        ("TRUNCATE tokens; TRUNCATE tokens", "*"),
        (
            "SAVEPOINT before; DELETE FROM tokens; ROLLBACK TO before; DELETE FROM tokens WHERE name = 'b'",
            "b",
        ),
    ]);
}

#[test]
fn a_transaction_counts_when_it_commits() {
    let (_, connection, _) = &mut setting();
    execute(connection, "BEGIN; DELETE FROM tokens; ROLLBACK");
    assert_eq!(log(connection), "");
    assert_eq!(count(connection, "tokens"), 4);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    execute(connection, "UPDATE tokens SET scopes = '{}' WHERE name = 'b'");
    execute(connection, "UPDATE tokens SET scopes = '{x}' WHERE name = 'b'");
    assert_eq!(log(connection), "abb");
    assert_eq!(
        count(
            connection,
            "(SELECT DISTINCT xid FROM revocations) AS transactions"
        ),
        3
    );
}

/// Each of them would be of no use: of more than a renewal tells, verifiers forget everything.
#[test]
fn too_many_at_once_are_one_row() {
    let (_, connection, users) = &mut setting();
    let many = |connection: &mut PgConnection, from: i32, to: i32| {
        let insert = format!(
            "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
                SELECT gen_random_uuid(), '{}', sha256(n::text::bytea), 'personal', 'x', '{{}}'
                FROM generate_series({from}, {to}) AS n",
            users.ada
        );
        execute(connection, &insert);
    };
    let statements = [
        "DELETE FROM tokens WHERE name = 'x'",
        "UPDATE tokens SET scopes = '{admin}' WHERE name = 'x'",
        "UPDATE users SET disabled_at = now() WHERE username = 'ada'",
        "DELETE FROM users WHERE username = 'ada'",
    ];
    execute(
        connection,
        "DELETE FROM tokens WHERE name IN ('a', 'b', 'c'); DELETE FROM revocations",
    );
    many(connection, 1, 20_000);
    let logged = |connection: &mut PgConnection, statement: &str| {
        execute(connection, &format!("BEGIN; {statement}"));
        let rows = ["digest = ''", "digest <> ''"]
            .map(|which| count(connection, &format!("revocations WHERE {which}")));
        execute(connection, "ROLLBACK");
        rows
    };
    for statement in statements {
        assert_eq!(logged(connection, statement), [0, 20_000], "{statement}");
    }
    many(connection, 20_001, 20_001);
    for statement in statements {
        assert_eq!(logged(connection, statement), [1, 0], "{statement}");
    }
}
