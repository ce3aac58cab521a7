use crate::support::{Auth, bearer, kind};
use jeton_client::{Problem, ProblemKind, Session};
use jeton_proof_support::{RawRequest, RawResponse};

fn send(auth: &Auth, session: &Session, method: &str, target: &str) -> RawResponse {
    let header = bearer(session);
    auth.send(&RawRequest::new(method, target).header("Authorization", header))
}

#[tokio::test]
async fn a_valid_token_tells_whose_it_is() {
    let auth = Auth::start();
    let session = auth.sign_up("Straße+1").await;
    let me = session.me().await.unwrap();
    for scopes in [&[][..], &["notes:read"], &["notes:write", "notes:read"]] {
        let verified = session.verify(scopes).await.unwrap();
        assert_eq!(verified.user_id, me.user.id);
        assert_eq!(verified.username, "Straße+1");
        assert_eq!(verified.scopes, me.user.scopes);
        assert_eq!(verified.token_id, me.token.id);
    }
    let answer = send(&auth, &session, "GET", "/v1/verify");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(answer.header("X-Auth-Username"), Some("Stra%C3%9Fe+1"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

#[tokio::test]
async fn every_scope_that_is_asked_for_is_required() {
    let (auth, session) = Auth::with_ada().await;
    for query in [
        "scope=admin",
        "scope=notes:read&scope=admin",
        "scope=admin%20notes:read",
        "scope=admin&uri=/x",
    ] {
        let answer = send(&auth, &session, "GET", &format!("/v1/verify?{query}"));
        assert_eq!(answer.status, 403, "{query}");
        assert_eq!(
            answer.header("WWW-Authenticate"),
            Some(r#"Bearer realm="jeton", error="insufficient_scope", scope="admin""#),
            "{query}"
        );
        assert_eq!(answer.header("X-Auth-User-Id"), None);
    }
    assert_eq!(
        kind(session.verify(&["admin"]).await),
        ProblemKind::InsufficientScope
    );
}

/// What was meant to require a scope, and does not say so, must not let everybody through.
#[tokio::test]
async fn a_slip_of_the_pen_is_no_open_door() {
    let (auth, session) = Auth::with_ada().await;
    for (query, kind) in [
        ("scopes=notes:read", ProblemKind::Validation),
        ("scope=", ProblemKind::MalformedQuery),
        ("scope", ProblemKind::MalformedQuery),
        ("scope=notes:read&x", ProblemKind::Validation),
        ("scope=%22", ProblemKind::MalformedQuery),
    ] {
        for path in ["/v1/verify", "/v1/verify/"] {
            let answer = send(&auth, &session, "GET", &format!("{path}?{query}"));
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem.kind(), Some(kind), "{query}");
        }
    }
}

/// As Envoy asks: by the method of the request, its path and query after `uri=`, and no body.
#[tokio::test]
async fn the_method_and_what_follows_uri_do_not_matter() {
    let (auth, session) = Auth::with_ada().await;
    let target = "/v1/verify?scope=notes:read&uri=/notes/1?scope=&x=%22&scopes=admin";
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let header = bearer(&session);
        let request = RawRequest::new(method, target)
            .header("Authorization", header)
            .header("Content-Length", "0");
        assert_eq!(auth.send(&request).status, 200, "{method}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_not_verified() {
    let (auth, session) = Auth::with_ada().await;
    session.verify(&[]).await.unwrap();
    let after = auth.only_token(&session);
    session.logout().await.unwrap();
    assert_eq!(kind(after.verify(&[]).await), ProblemKind::InvalidToken);
}
