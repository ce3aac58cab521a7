//! Tokens that end when nobody uses them.

use crate::logbook::logged_by;
use crate::support::{
    cleaned, count, create_user, database, execute, is_stored, issue_this, issued, new_token, outcome,
};
use jeton_coherence::lookups::find_valid;
use jeton_domain::{AuditContext, NewToken, TokenKind, TokenName, UserId};
use jeton_persistence::cleanup::Cleanup;
use jeton_persistence::{PgConnection, tokens};
use jeton_proof_support::TestDatabase;
use std::time::Duration;

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// A user with one token that ends after ten minutes without a use.
fn setting() -> (TestDatabase, PgConnection, UserId, NewToken) {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let token = NewToken {
        idle_ttl: Some(TEN_MINUTES),
        ..new_token()
    };
    issue_this(&mut connection, ada, &token);
    (database, connection, ada, token)
}

/// How long the token still lives; `None`: it is not valid.
fn remaining(connection: &mut PgConnection, token: &NewToken) -> Option<Duration> {
    let found = connection
        .wait(async |c| find_valid(c, &[token.digest]).await)
        .unwrap();
    let (_, token) = found.into_iter().next()?;
    token.unwrap().remaining
}

fn used(connection: &mut PgConnection, token: &NewToken, ago: &str) {
    let sql = format!(
        "DELETE FROM token_uses WHERE token_id = '{0}';
        INSERT INTO token_uses VALUES ('{0}', now() - interval '{ago}')",
        token.id
    );
    execute(connection, &sql);
}

/// All at one moment, to the microsecond.
#[test]
fn a_token_lives_for_its_idle_time_from_its_issue_and_then_from_its_last_use() {
    let (_database, mut connection, _, token) = setting();
    let connection = &mut connection;
    let micros = Duration::from_micros;
    for (issued, last_use, left) in [
        ("0", None, Some(TEN_MINUTES)),
        ("9 minutes", None, Some(Duration::from_secs(60))),
        ("10 minutes -1 microsecond", None, Some(micros(1))),
        ("10 minutes", None, None),
        ("1 day", None, None),
        ("1 day", Some("0"), Some(TEN_MINUTES)),
        ("1 day", Some("7 minutes"), Some(Duration::from_secs(180))),
        ("1 day", Some("10 minutes -1 microsecond"), Some(micros(1))),
        ("1 day", Some("10 minutes"), None),
    ] {
        execute(
            connection,
            &format!("BEGIN; UPDATE tokens SET created_at = now() - interval '{issued}', expires_at = NULL"),
        );
        if let Some(ago) = last_use {
            used(connection, &token, ago);
        }
        assert_eq!(remaining(connection, &token), left, "{issued} {last_use:?}");
        execute(connection, "ROLLBACK");
    }
}

#[test]
fn the_expiry_of_a_token_with_an_idle_time_holds_all_the_same() {
    let (_database, mut connection, _, token) = setting();
    let connection = &mut connection;
    for (expires, left) in [("1 second", Some(1)), ("1 hour", Some(600)), ("0", None)] {
        execute(
            connection,
            &format!(
                "BEGIN; UPDATE tokens SET created_at = now(), expires_at = now() + interval '{expires}'"
            ),
        );
        assert_eq!(
            remaining(connection, &token),
            left.map(Duration::from_secs),
            "{expires}"
        );
        execute(connection, "ROLLBACK");
    }
}

/// For whatever asks about tokens.
#[test]
fn a_token_that_nobody_used_is_not_there() {
    let (_database, mut connection, ada, token) = setting();
    let connection = &mut connection;
    let other = issue_this(connection, ada, &new_token());
    let by = AuditContext::cli();
    let make = |connection: &mut PgConnection| {
        let new = NewToken {
            kind: TokenKind::Personal,
            ..new_token()
        };
        issued(tokens::issue_by_token(connection, &by, ada, token.id, &new)).is_some()
    };
    let found = tokens::find(connection, ada, token.id).unwrap().unwrap();
    assert_eq!(found.idle_ttl, Some(TEN_MINUTES));
    assert_eq!(tokens::list(connection, ada, None, 10).unwrap().len(), 2);
    assert!(make(connection));

    execute(
        connection,
        "UPDATE tokens SET created_at = now() - interval '1 day'",
    );
    assert_eq!(tokens::find(connection, ada, token.id).unwrap(), None);
    let listed = tokens::list(connection, ada, None, 10).unwrap();
    assert!(listed.iter().all(|listed| listed.id != token.id) && listed.len() == 2);
    let name = TokenName::parse("Pixel 9").unwrap();
    assert_eq!(
        tokens::rename(connection, &by, ada, token.id, &name).unwrap(),
        None
    );
    assert!(!make(connection));
    // It takes nobody's place, and nobody's place is taken for it.
    let new = NewToken {
        user_limit: 3,
        ..new_token()
    };
    let issue = tokens::issue_by_operator(connection, &by, ada, &new).unwrap();
    assert!(issue.is_settled());
    assert!(outcome(issue).token().is_some() && is_stored(connection, other));
}

#[test]
fn an_idle_token_is_purged_when_no_use_can_be_on_its_way_any_more() {
    let (_database, mut connection, ada, gone) = setting();
    let connection = &mut connection;
    let [late, used_since, without] = [0, 1, 2].map(|number| {
        let token = NewToken {
            idle_ttl: (number < 2).then_some(TEN_MINUTES),
            ttl: None,
            ..new_token()
        };
        issue_this(connection, ada, &token);
        token
    });
    execute(
        connection,
        "UPDATE tokens SET created_at = now() - interval '1 day'",
    );
    used(connection, &gone, "21 minutes");
    used(connection, &late, "19 minutes");
    used(connection, &used_since, "1 minute");
    let purged = cleaned(&mut Cleanup::default(), connection);
    assert_eq!((purged.tokens, purged.more), (1, false));
    let stored = [&gone, &late, &used_since, &without].map(|token| is_stored(connection, token.id));
    assert_eq!(stored, [false, true, true, true]);
}

#[test]
fn many_are_purged_step_by_step() {
    let (_database, mut connection, ada, _) = setting();
    let connection = &mut connection;
    let many = format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, created_at, idle_ttl_secs)
            SELECT gen_random_uuid(), '{ada}', sha256(n::text::bytea), 'login', 'old', '{{}}',
                now() - interval '1 day', CASE WHEN n % 2 = 0 THEN 600 ELSE 864000 END
            FROM generate_series(1, 5000) AS n"
    );
    execute(connection, &many);
    let mut cleanup = Cleanup::default();
    let mut deleted = 0;
    loop {
        let purged = cleaned(&mut cleanup, connection);
        deleted += purged.tokens;
        if !purged.more {
            break;
        }
    }
    assert_eq!(deleted, 2500);
    assert_eq!(count(connection, "tokens"), 2501);
}

/// However many tokens stay: each step goes on from where the one before has come to, and begins again after the last.
#[test]
fn a_step_goes_on_where_the_one_before_has_stopped() {
    let (_database, mut connection, ada, _) = setting();
    let connection = &mut connection;
    let id = "('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";
    let (idle, used) = ("now() - interval '1 day'", "now() + interval '1 day'");
    // 1,500 that are to go, 10,100 that stay, and one that is to go.
    let many = format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, created_at, idle_ttl_secs)
            SELECT {id}, '{ada}', sha256(n::text::bytea), 'login', 'old', '{{}}',
                CASE WHEN n <= 1500 OR n = 11601 THEN {idle} ELSE {used} END, 600
            FROM generate_series(1, 11601) AS n"
    );
    execute(connection, &many);
    let cleanup = &mut Cleanup::default();
    let mut step = |connection: &mut PgConnection| cleaned(cleanup, connection).tokens;
    assert_eq!(step(connection), 1000, "a batch");
    assert_eq!(
        step(connection),
        500,
        "what the batch has left, and what comes after it"
    );
    assert_eq!(step(connection), 1, "as far as the last");
    let first = format!("UPDATE tokens SET created_at = {idle} WHERE digest = sha256('1501')");
    execute(connection, &first);
    assert_eq!(step(connection), 1, "from the beginning");
}

/// What verifiers remember must not outlast what is typed into psql.
#[test]
fn a_shorter_idle_time_is_logged_and_a_longer_one_is_not() {
    let (_, connection, _) = &mut crate::logbook::setting();
    execute(
        connection,
        "UPDATE tokens SET idle_ttl_secs = 600 WHERE name < 'c'; DELETE FROM revocations",
    );
    for (change, logged) in [
        ("idle_ttl_secs = 599", "abcd"),
        ("idle_ttl_secs = 600", "cd"),
        ("idle_ttl_secs = idle_ttl_secs + 1", ""),
        ("idle_ttl_secs = NULL", ""),
        ("created_at = created_at - interval '1 second'", "ab"),
        ("created_at = created_at + interval '1 second'", ""),
    ] {
        assert_eq!(
            logged_by(connection, &format!("UPDATE tokens SET {change}")),
            logged,
            "{change}"
        );
    }
}
