//! What the guard answers, to the byte.

use crate::server::Server;
use crate::support::{
    connect_to, create_user, database, execute, expire, issue, setting, unknown, user_with_token,
};
use jeton_domain::AuditContext;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::users;
use jeton_proof_support::{RawResponse, migrate};

/// All that a client sees, but the time of day.
fn everything(response: &RawResponse) -> (u16, Vec<(String, String)>, String) {
    let mut headers = response.headers.clone();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
    (response.status, headers, response.text())
}

fn challenges(response: &RawResponse) -> Vec<&str> {
    response.headers_named("WWW-Authenticate").collect()
}

#[test]
fn a_guard_says_what_to_send_where_there_is_no_token() {
    let (database, _) = database();
    let server = Server::start(database.url());
    let refused = server.get("/whoami", &[]);
    assert_eq!(refused.status, 401);
    assert_eq!(challenges(&refused), [r#"Bearer realm="jeton""#]);
    assert_eq!(refused.header("Content-Type"), Some("application/problem+json"));
    assert_eq!(
        refused.text(),
        r#"{"type":"urn:jeton:problem:missing-token","title":"Missing token","status":401,"detail":"Send a token in the Authorization header: Bearer <token>."}"#
    );
}

#[test]
fn a_refused_token_is_answered_alike_whatever_is_wrong_with_it() {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let (expired, revoked) = (issue(&mut connection, ada), issue(&mut connection, ada));
    let (bob, of_disabled) = user_with_token(&mut connection, "bob");
    expire(&mut connection, &expired);
    execute(
        &mut connection,
        &format!("DELETE FROM tokens WHERE id = '{}'", revoked.id),
    );
    let _ = users::disable(&mut connection, &AuditContext::cli(), bob.id).unwrap();
    let server = Server::start(database.url());

    let malformed = server.get_with("/whoami", "jtn_mistyped");
    assert_eq!(malformed.status, 401);
    assert_eq!(
        challenges(&malformed),
        [r#"Bearer realm="jeton", error="invalid_token""#]
    );
    assert_eq!(
        malformed.text(),
        r#"{"type":"urn:jeton:problem:invalid-token","title":"Invalid token","status":401,"detail":"The token is malformed, unknown, expired or revoked."}"#
    );
    for token in [&unknown(), &expired.text, &revoked.text, &of_disabled.text] {
        let refused = server.get_with("/whoami", token);
        assert_eq!(everything(&refused), everything(&malformed));
    }
    // Nor does it matter where: a token that is none lacks no scope.
    assert_eq!(
        everything(&server.get_with("/reports", &unknown())),
        everything(&malformed)
    );
}

#[test]
fn a_header_that_holds_no_token_is_an_invalid_one() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    let invalid = everything(&server.get_with("/whoami", "jtn_mistyped"));
    let doubled = format!("Bearer {0} {0}", token.text);
    let list = format!("Bearer {0}, Bearer {0}", token.text);
    for value in [
        &b"Bearer"[..],
        b"Bearer ",
        b"Bearer \xff\xfe",
        "Bearer ключ".as_bytes(),
        doubled.as_bytes(),
        list.as_bytes(),
    ] {
        let refused = server.get("/whoami", &[value]);
        assert_eq!(
            everything(&refused),
            invalid,
            "{:?}",
            String::from_utf8_lossy(value)
        );
    }
}

/// Of those, nothing is known but that they are none of ours (RFC 6750 §3.1).
#[test]
fn credentials_of_another_scheme_are_as_good_as_none() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    let missing = everything(&server.get("/whoami", &[]));
    let basic = format!("Basic {}", token.text);
    for value in [
        &b""[..],
        b"Basic",
        b"Basic YWRhOnB3",
        b"Digest username=\"ada\", realm=\"x\"",
        b"\xff\xfe",
        token.text.as_bytes(),
        basic.as_bytes(),
    ] {
        let refused = server.get("/whoami", &[value]);
        let value = String::from_utf8_lossy(value);
        assert_eq!(everything(&refused), missing, "{value:?}");
    }
}

/// Which of the two counts is what a proxy and this service might disagree on.
#[test]
fn two_headers_are_one_too_many() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    let valid = format!("Bearer {}", token.text);
    assert_eq!(server.get("/whoami", &[valid.as_bytes()]).status, 200);
    for two in [
        [valid.as_bytes(), valid.as_bytes()],
        [valid.as_bytes(), b"Basic eA=="],
        [b"x", b"y"],
    ] {
        let refused = server.get("/whoami", &two);
        assert_eq!(refused.status, 400);
        assert_eq!(challenges(&refused), [] as [&str; 0]);
        assert!(
            refused.text().contains("Send one Authorization header."),
            "{}",
            refused.text()
        );
    }
}

#[test]
fn a_database_that_is_away_is_not_the_tokens_fault() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let (_, token) = user_with_token(&mut connect_to(&postgres.url()), "ada");
    let server = Server::start(&postgres.url());
    assert_eq!(server.get_with("/whoami", &token.text).status, 200);

    postgres.stop().unwrap();
    for text in [&token.text, &unknown()] {
        let unavailable = server.get_with("/whoami", text);
        assert_eq!(unavailable.status, 503);
        assert_eq!(unavailable.header("Retry-After"), Some("1"));
        assert_eq!(challenges(&unavailable), [] as [&str; 0]);
        assert_eq!(
            unavailable.text(),
            r#"{"type":"urn:jeton:problem:unavailable","title":"Temporarily unavailable","status":503,"detail":"The service cannot answer this now. Try again later."}"#
        );
    }
    // Nobody has to be asked about these.
    assert_eq!(server.get("/whoami", &[]).status, 401);
    assert_eq!(server.get_with("/whoami", "jtn_mistyped").status, 401);

    postgres.start().unwrap();
    assert_eq!(server.get_with("/whoami", &token.text).status, 200);
    assert_eq!(server.get_with("/whoami", &unknown()).status, 401);
}
