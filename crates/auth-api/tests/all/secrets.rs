//! What must not be found anywhere.

use crate::support::{Auth, PASSWORD, json, kind, token_request};
use jeton_client::{ExposeSecret, ProblemKind};
use jeton_proof_support::{RawRequest, text};

/// Everything that the tables hold, as text.
pub(crate) fn dump(auth: &Auth) -> String {
    let tables = "SELECT coalesce(string_agg(u::text, ' '), '') || \
        (SELECT coalesce(string_agg(t::text, ' '), '') FROM tokens t) FROM users u";
    text(&mut auth.connect(), tables)
}

#[tokio::test]
async fn no_log_holds_a_password_or_a_token_even_at_trace() {
    let auth = Auth::start_process(&[("JETON_LOG", "trace")]);
    let session = auth.sign_up("ada").await;
    auth.login("ada", PASSWORD).await.unwrap();
    assert_eq!(
        kind(auth.login("ada", "my other secret").await),
        ProblemKind::InvalidCredentials
    );
    let request = token_request("backup", &[]);
    let personal = session.tokens().create(&request).await.unwrap();
    let mut tokens = vec![
        personal.token.expose_secret().to_owned(),
        session.token().expose_secret().to_owned(),
    ];
    let (first, second) = (
        auth.sign_in("ada").await,
        auth.sign_up_with("reports", "tokens:introspect").await,
    );
    tokens.extend([&first, &second].map(|session| session.token().expose_secret().to_owned()));
    assert!(second.introspect(first.token()).await.unwrap().active);
    first.revoke_token(first.token()).await.unwrap();
    session
        .change_password(PASSWORD, "a wholly different phrase")
        .await
        .unwrap();
    // Where a token does not belong, and is sent all the same.
    let astray = jeton_domain::PlainToken::generate(&mut rand::rng());
    tokens.push(astray.expose_secret().to_owned());
    for request in [
        RawRequest::new("GET", &format!("/v1/me?token={}", astray.expose_secret())),
        RawRequest::new("GET", "/v1/me").header("Authorization", format!("Basic {}", astray.expose_secret())),
        RawRequest::new(astray.expose_secret(), "/v1/me"),
        RawRequest::new(astray.expose_secret(), "/v1/login"),
        json(
            "POST",
            "/v1/login",
            &format!("{{\"username\": \"{}\"", astray.expose_secret()),
        ),
    ] {
        assert!(auth.send(&request).status >= 400);
    }
    session.logout().await.unwrap();

    let logs = auth.service.logs();
    assert!(
        logs.contains("/v1/login") && logs.contains("\"TRACE\""),
        "the log was captured, at trace:\n{logs}"
    );
    let database_password = auth.role.url().split([':', '@']).nth(2).unwrap();
    for secret in [
        PASSWORD,
        "my other secret",
        "a wholly different phrase",
        "$2b$",
        database_password,
    ] {
        assert!(!logs.contains(secret), "{secret} is in the log");
    }
    for token in &tokens {
        // Nor a part of it that would be worth having.
        assert!(!logs.contains(&token[4..36]), "a token is in the log:\n{logs}");
    }
}

#[test]
fn a_method_that_somebody_made_up_is_neither_quoted_nor_logged() {
    let auth = Auth::start_process(&[]);
    let made_up = "SESAME".repeat(10_000);
    for path in ["/livez", "/v1/login", "/v1/nothing"] {
        let answer = auth.send(&RawRequest::new(&made_up, path).header("X-Request-Id", "made-up"));
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.status);
        assert!(
            !answer.text().contains("SESAME") && answer.body.len() < 1000,
            "{path}"
        );
    }
    let line = auth.service.wait_for_log("\"request_id\":\"made-up\"");
    assert!(line.contains("\"method\":\"other\""), "{line}");
    assert!(!auth.service.logs().contains("SESAME"));
}
