//! What the log of revocations says of clients, grants and their tokens.

use super::{app, insert_grant, insert_token};
use crate::support::{count, create_user, database, execute, outcome, text};
use jeton_domain::TokenDigest;
use jeton_persistence::PgConnection;
use jeton_persistence::cleanup::{Cleanup, Kind};
use std::time::Duration;

fn hex(digest: &TokenDigest) -> String {
    digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

/// What is logged, as hexadecimal digests; `*` is for everything.
fn logged(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(CASE digest WHEN '' THEN '*' ELSE encode(digest, 'hex') END, ' ' ORDER BY digest), '') \
            FROM revocations",
    )
}

fn logged_by(connection: &mut PgConnection, statement: &str) -> String {
    execute(connection, "DELETE FROM revocations");
    execute(connection, statement);
    logged(connection)
}

#[test]
fn a_grant_that_is_deleted_takes_its_tokens_along() {
    let (_, connection) = &mut database();
    let (_, client, grant, first) = app(connection);
    let second = insert_token(connection, grant);
    let bob = create_user(connection, "bob").id;
    let other = insert_grant(connection, bob, client);
    insert_token(connection, other);
    let mut right = [hex(&first), hex(&second)];
    right.sort();
    let deleted = format!("DELETE FROM grants WHERE id = '{grant}'");
    assert_eq!(logged_by(connection, &deleted), right.join(" "));
    assert_eq!(count(connection, "tokens"), 1);
}

#[test]
fn a_grant_with_a_thousand_tokens_is_one_revocation() {
    let (_, connection) = &mut database();
    let (ada, client, grant, _) = app(connection);
    for _ in 0..1_000 {
        insert_token(connection, grant);
    }
    execute(connection, "DELETE FROM revocations");
    execute(connection, &format!("DELETE FROM grants WHERE id = '{grant}'"));
    assert_eq!(count(connection, "revocations"), 1_001);
    let transactions = text(connection, "SELECT count(DISTINCT xid)::text FROM revocations");
    assert_eq!(transactions, "1");
    insert_grant(connection, ada, client);
}

#[test]
fn a_client_that_is_changed_has_everything_looked_up_again() {
    let (_, connection) = &mut database();
    let (_, client, ..) = app(connection);
    let this = format!("WHERE id = '{client}'");
    for (change, everything) in [
        ("disabled_at = now()", true),
        ("disabled_at = NULL", true),
        ("scopes = '{notes:read}'", true),
        ("scopes = '{notes:read}'", false),
        ("name = 'another'", false),
        ("redirect_uris = '{}'", false),
        ("secret_digest = sha256('x')", false),
    ] {
        let logged = logged_by(connection, &format!("UPDATE clients SET {change} {this}"));
        assert_eq!(logged, if everything { "*" } else { "" }, "{change}");
    }
    let logged = logged_by(connection, &format!("DELETE FROM clients {this}"));
    assert!(logged.starts_with('*') && logged.len() > 1, "{logged}");
    assert_eq!(count(connection, "tokens"), 0);
    assert_eq!(logged_by(connection, "TRUNCATE clients CASCADE"), "*");
    assert_eq!(logged_by(connection, "TRUNCATE grants CASCADE"), "*");
}

#[test]
fn what_a_token_is_given_to_and_for_is_remembered() {
    let (_, connection) = &mut database();
    let (_, _, _, token) = app(connection);
    for change in [
        "audience = 'https://api.example/'",
        "client_id = gen_random_uuid()",
    ] {
        let logged = logged_by(connection, &format!("UPDATE tokens SET {change}"));
        assert_eq!(logged, hex(&token), "{change}");
    }
}

/// Apps' tokens expire by the million.
#[test]
fn an_app_s_token_that_has_expired_for_as_long_as_it_lived_is_deleted_without_a_word() {
    let (_, connection) = &mut database();
    let (ada, _, grant, _) = app(connection);
    let mut cleanup = Cleanup::new(None).delegated_ttl(Duration::from_secs(3600));
    let mut step = |connection: &mut PgConnection| {
        execute(connection, "DELETE FROM revocations");
        cleanup
            .step(connection, Kind::DelegatedTokens)
            .unwrap()
            .unwrap()
            .rows
    };
    // The cleanup's clock begins.
    assert_eq!(step(connection), 0);
    let expired_since = |connection: &mut PgConnection, ago: &str| {
        execute(
            connection,
            &format!(
                "UPDATE tokens SET created_at = now() - interval '{ago}' - interval '1 hour', \
                    expires_at = now() - interval '{ago}'"
            ),
        );
    };
    // By the cleanup's clock it may be remembered still.
    expired_since(connection, "59 minutes");
    assert_eq!(step(connection), 0);
    execute(connection, "DELETE FROM revocations");
    execute(connection, "DELETE FROM tokens");
    assert_ne!(logged(connection), "");

    insert_token(connection, grant);
    expired_since(connection, "61 minutes");
    assert_eq!(step(connection), 1);
    assert_eq!(logged(connection), "");

    // One that lived longer than the setting says.
    insert_token(connection, grant);
    execute(
        connection,
        "UPDATE tokens SET created_at = now() - interval '10 hours', expires_at = now() - interval '61 minutes'",
    );
    assert_eq!(step(connection), 1);
    assert_ne!(logged(connection), "");

    // Anybody else's is logged as before.
    let token = crate::support::issue_expired(connection, ada);
    let deleted = format!("DELETE FROM tokens WHERE id = '{token}'");
    assert_ne!(logged_by(connection, &deleted), "");
}

/// A clock that jumps ahead deletes nothing unnoticed: the cleanup's own has not come so far.
#[test]
fn a_clock_that_jumps_ahead_hides_no_revocation() {
    let (_, connection) = &mut database();
    let (_, _, grant, token) = app(connection);
    let _ = outcome(
        jeton_persistence::tokens::revoke_by_operator(
            connection,
            &crate::support::CLI,
            jeton_domain::TokenId(uuid::Uuid::nil()),
        )
        .unwrap(),
    );
    execute(
        connection,
        "INSERT INTO cleanup_clock (shows, checked_at) VALUES (now() - interval '10 hours', now()); \
            UPDATE tokens SET created_at = now() - interval '4 hours', expires_at = now() - interval '3 hours'; \
            DELETE FROM revocations",
    );
    execute(connection, &format!("DELETE FROM grants WHERE id = '{grant}'"));
    assert_eq!(logged(connection), hex(&token));
}
