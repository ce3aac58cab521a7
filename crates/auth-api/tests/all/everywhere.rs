//! What holds for every path.

use crate::support::{Auth, comparable, json};
use jeton_client::{ExposeSecret, Problem};
use jeton_proof_support::{RawRequest, RawResponse, raw};

fn problem(response: &RawResponse) -> Problem {
    assert_eq!(
        response.header("Content-Type"),
        Some("application/problem+json"),
        "{response:?}"
    );
    let problem: Problem = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(problem.status, response.status);
    assert!(problem.kind().is_some(), "{problem:?}");
    problem
}

fn slug(response: &RawResponse) -> (u16, String) {
    (
        response.status,
        problem(response).type_.replace("urn:jeton:problem:", ""),
    )
}

const WITH_TOKEN: [(&str, &str); 14] = [
    ("POST", "/v1/logout"),
    ("POST", "/v1/logout-all"),
    ("GET", "/v1/me"),
    ("PATCH", "/v1/me"),
    ("DELETE", "/v1/me"),
    ("POST", "/v1/token/renew"),
    ("PUT", "/v1/me/password"),
    ("GET", "/v1/tokens"),
    ("POST", "/v1/tokens"),
    ("PATCH", "/v1/tokens/0197d3a1-0000-7000-8000-000000000000"),
    ("DELETE", "/v1/tokens/0197d3a1-0000-7000-8000-000000000000"),
    ("POST", "/v1/introspect"),
    ("POST", "/v1/revoke"),
    ("GET", "/v1/verify?scope=notes:read"),
];

#[test]
fn the_challenge_without_credentials_has_no_error() {
    let auth = Auth::start();
    for (method, path) in WITH_TOKEN {
        let bare = RawRequest::new(method, path);
        // Of another scheme, nothing is known but that it is none of ours (RFC 6750 §3.1).
        let basic = bare.clone().header("Authorization", "Basic YWRhOnB3");
        let nonsense = bare.clone().header("Authorization", "nonsense");
        // There it is how a client authenticates.
        let basic = Some(basic).filter(|_| !["/v1/introspect", "/v1/revoke"].contains(&path));
        for request in [Some(bare), basic, Some(nonsense)].into_iter().flatten() {
            let response = auth.send(&request);
            let expected = (401, "missing-token".to_owned());
            assert_eq!(slug(&response), expected, "{method} {path}");
            assert_eq!(
                response.header("WWW-Authenticate"),
                Some(r#"Bearer realm="jeton""#)
            );
        }
    }
}

#[tokio::test]
async fn a_bad_token_is_told_before_a_bad_body_and_always_in_the_same_bytes() {
    let auth = Auth::start();
    let revoked = auth.sign_up("ada").await;
    let text = revoked.token().expose_secret().to_owned();
    revoked.logout().await.unwrap();
    let unknown = jeton_domain::PlainToken::generate(&mut rand::rng());
    let mut answers = Vec::new();
    for credentials in [
        format!("Bearer {text}"),
        format!("token {text}"),
        format!("Bearer {}", unknown.expose_secret()),
        "Bearer".to_owned(),
        "Bearer a b".to_owned(),
        "Bearer jtn_0000".to_owned(),
        format!("Bearer {}", "x".repeat(8 * 1024)),
    ] {
        for (method, path) in WITH_TOKEN {
            // A logout again is a logout that was done: see logout.rs.
            if path == "/v1/logout" && credentials.ends_with(&text) {
                continue;
            }
            let request = json(method, path, "{ no json").header("Authorization", &credentials);
            let response = auth.send(&request);
            assert_eq!(
                response.header("WWW-Authenticate"),
                Some(r#"Bearer realm="jeton", error="invalid_token""#)
            );
            answers.push(comparable(&response));
        }
    }
    assert_eq!(answers[0].0, 401);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[test]
fn a_header_that_is_not_ascii_is_a_401() {
    let auth = Auth::start();
    for (noise, kind) in [
        (&b"Bearer \xff\xfe\x80"[..], "invalid-token"),
        ("Bearer ключ".as_bytes(), "invalid-token"),
        (&[0xc3; 500], "missing-token"),
    ] {
        let response = auth.send(&RawRequest::new("GET", "/v1/me").header("Authorization", noise));
        assert_eq!(slug(&response), (401, kind.to_owned()));
    }
}

#[tokio::test]
async fn both_schemes_in_any_case_and_two_headers_are_400() {
    let (auth, session) = Auth::with_ada().await;
    let token = session.token().expose_secret().to_owned();
    for scheme in ["Bearer", "bearer", "BEARER", "Token", "token"] {
        let request = RawRequest::new("GET", "/v1/me").header("Authorization", format!("{scheme} {token}"));
        assert_eq!(auth.send(&request).status, 200, "{scheme}");
    }
    let twice = RawRequest::new("GET", "/v1/me")
        .header("Authorization", format!("Bearer {token}"))
        .header("Authorization", format!("Bearer {token}"));
    assert_eq!(slug(&auth.send(&twice)), (400, "bad-request".to_owned()));
}

#[tokio::test]
async fn a_token_anywhere_but_in_the_header_is_no_token() {
    let (auth, session) = Auth::with_ada().await;
    let token = session.token().expose_secret().to_owned();
    let query = RawRequest::new("GET", &format!("/v1/me?access_token={token}&token={token}"));
    let cookie =
        RawRequest::new("GET", "/v1/me").header("Cookie", format!("token={token}; Authorization={token}"));
    let body = RawRequest::new("POST", "/v1/logout")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("access_token={token}"));
    for request in [query, cookie, body] {
        assert_eq!(slug(&auth.send(&request)), (401, "missing-token".to_owned()));
    }
}

#[tokio::test]
async fn wrong_methods_name_the_right_ones() {
    let auth = Auth::start();
    let token = auth.sign_up_with("ada", "tokens:introspect admin").await.token();
    let header = format!("Bearer {}", token.expose_secret());
    for (path, allow) in [
        ("/livez", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/v1/users", "POST"),
        ("/v1/login", "POST"),
        ("/v1/logout", "POST"),
        ("/v1/logout-all", "POST"),
        ("/v1/me", "GET, HEAD, PATCH, DELETE"),
        ("/v1/me/password", "PUT"),
        ("/v1/tokens", "GET, HEAD, POST"),
        ("/v1/tokens/0197d3a1-0000-7000-8000-000000000000", "PATCH, DELETE"),
        ("/v1/introspect", "POST"),
        ("/v1/revoke", "POST"),
        ("/v1/admin/users", "GET, HEAD, POST"),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000",
            "GET, HEAD, PATCH, DELETE",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/scopes",
            "PUT",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/password",
            "PUT",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/disable",
            "POST",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/enable",
            "POST",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/tokens",
            "GET, HEAD, POST, DELETE",
        ),
        (
            "/v1/admin/users/0197d3a1-0000-7000-8000-000000000000/tokens/0197d3a1-0000-7000-8000-000000000000",
            "DELETE",
        ),
        ("/v1/admin/audit-events", "GET, HEAD"),
    ] {
        let response = auth.send(&RawRequest::new("TRACE", path).header("Authorization", &header));
        assert_eq!(slug(&response), (405, "method-not-allowed".to_owned()), "{path}");
        assert_eq!(response.header("Allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn unknown_paths_and_ids_that_are_none_are_404() {
    let auth = Auth::start();
    let token = auth.sign_up("ada").await.token();
    let header = format!("Bearer {}", token.expose_secret());
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/me",
        "/v1/me//",
        "/%00",
        "/v1/tokens/../me",
    ] {
        let response = auth.send(&RawRequest::new("GET", path).header("Authorization", &header));
        assert_eq!(slug(&response), (404, "not-found".to_owned()), "{path}");
    }
    let bad_id = RawRequest::new("DELETE", "/v1/tokens/not-an-id").header("Authorization", &header);
    assert_eq!(slug(&auth.send(&bad_id)), (404, "not-found".to_owned()));
}

#[test]
fn a_password_that_is_refused_is_not_quoted() {
    let auth = Auth::start();
    let body = r#"{"username": "sesame", "password": "sesame"}"#;
    for (path, expected) in [
        ("/v1/login", (401, "invalid-credentials")),
        ("/v1/users", (422, "validation")),
    ] {
        let response = auth.send(&json("POST", path, body));
        assert_eq!(slug(&response), (expected.0, expected.1.to_owned()));
        assert!(!response.text().contains("sesame"), "{}", response.text());
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let auth = Auth::start();
    let token = auth.sign_up("ada").await.token();
    let header = format!("Bearer {}", token.expose_secret());
    for path in ["/livez", "/readyz", "/v1/me", "/v1/tokens"] {
        let head = raw(
            auth.service.address(),
            &RawRequest::new("HEAD", path)
                .header("Authorization", &header)
                .header("Connection", "close")
                .to_bytes(),
        );
        let get = auth.send(&RawRequest::new("GET", path).header("Authorization", &header));
        assert_eq!((head.status, get.status), (200, 200), "{path}");
        assert_eq!(
            head.header("Content-Length"),
            get.header("Content-Length"),
            "{path}"
        );
    }
}

#[test]
fn no_cookie_is_ever_set() {
    let auth = Auth::start();
    let mut requests: Vec<RawRequest> = WITH_TOKEN.iter().map(|(m, p)| RawRequest::new(m, p)).collect();
    requests.push(json(
        "POST",
        "/v1/users",
        r#"{"username": "ada", "password": "correct horse battery staple"}"#,
    ));
    requests.push(json(
        "POST",
        "/v1/login",
        r#"{"username": "ada", "password": "correct horse battery staple"}"#,
    ));
    for request in requests {
        assert_eq!(
            auth.send(&request.header("Cookie", "sessionid=1"))
                .header("Set-Cookie"),
            None
        );
    }
}
