//! A service that is not written in Rust, behind nginx, Traefik and Envoy, with the configurations that the documentation
//! hands out. Each needs the program of its name; without it, the tests say so and leave it out.

mod app;
mod start;

use crate::support::{Auth, bearer, token_request};
use jeton_client::Session;
use jeton_proof_support::RawRequest;

fn request(method: &str, session: &Session) -> RawRequest {
    RawRequest::new(method, "/page.html").header("Authorization", bearer(session))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_learns_whose_request_it_is_and_nobody_else_tells_it() {
    let auth = Auth::start_process(&[]);
    let session = auth.sign_up("Straße").await;
    let me = session.me().await.unwrap();
    let (user, token) = (me.user.id.to_string(), me.token.id.to_string());
    // Some frameworks take all of these for the same, and would see two.
    let forged = [
        "X-Auth-User-Id",
        "x-auth-username",
        "X-AUTH-SCOPES",
        "X-Auth-Token-Id",
        "X_Auth_User_Id",
        "X-Auth_Scopes",
        "X.Auth.User.Id",
        "X~Auth~Username",
    ]
    .into_iter()
    .fold(request("GET", &session), |request, name| {
        request.header(name, "forged")
    });
    for gateway in start::all(&auth) {
        for request in [&request("GET", &session), &forged] {
            let answer = gateway.send(request);
            let name = gateway.name;
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, "the page"),
                "{name}"
            );
            let seen = |name| answer.header(name);
            assert_eq!(seen("Seen-User-Id"), Some(user.as_str()), "{name}");
            assert_eq!(seen("Seen-Username"), Some("Stra%C3%9Fe"), "{name}");
            assert_eq!(seen("Seen-Scopes"), Some("notes:read notes:write"), "{name}");
            assert_eq!(seen("Seen-Token-Id"), Some(token.as_str()), "{name}");
            assert_eq!(seen("Seen-Authorization"), None, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_refuses_as_the_auth_api_would() {
    let auth = Auth::start_process(&[]);
    let reader = auth.sign_up("ada").await;
    let less = token_request("reader", &["notes:read"]);
    let reader = auth
        .client()
        .session(reader.tokens().create(&less).await.unwrap().token)
        .unwrap();
    let none = auth.sign_up_with("grace", "audit:read").await;
    let writer = auth.sign_in("ada").await;

    for gateway in start::all(&auth) {
        let name = gateway.name;
        let missing = gateway.send(&RawRequest::new("GET", "/page.html").header("X-Auth-User-Id", "forged"));
        let bad = RawRequest::new("GET", "/page.html").header("Authorization", "Bearer jtn_mistyped");
        let bad = gateway.send(&bad);
        let lacking = gateway.send(&request("GET", &none));
        for (answer, status, challenge) in [
            (missing, 401, r#"Bearer realm="jeton""#),
            (bad, 401, r#"Bearer realm="jeton", error="invalid_token""#),
            (
                lacking,
                403,
                r#"Bearer realm="jeton", error="insufficient_scope", scope="notes:read""#,
            ),
        ] {
            assert_eq!(answer.status, status, "{name}");
            assert_eq!(answer.header("WWW-Authenticate"), Some(challenge), "{name}");
            assert!(!answer.text().contains("the page") && answer.header("Seen-User-Id").is_none());
        }
        assert_eq!(gateway.send(&request("GET", &reader)).status, 200, "{name}");
        // The page takes no POST: that it says so shows that the request has arrived.
        let expected = if gateway.tells_methods_apart { 403 } else { 405 };
        let post = |session| gateway.send(&request("POST", session).body("x=1")).status;
        assert_eq!((post(&reader), post(&writer)), (expected, 405), "{name}");
    }
}

/// Larger than what nginx takes where nothing is said: what the request may have is not what the question may have.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_meets_no_limit_of_the_question() {
    let auth = Auth::start_process(&[]);
    let writer = auth.sign_up("ada").await;
    let none = auth.sign_up_with("grace", "audit:read").await;
    for gateway in start::all(&auth) {
        let upload = |session| request("POST", session).body("x".repeat(2_000_000));
        let name = gateway.name;
        // The page takes no POST: that it says so shows that the request has arrived.
        assert_eq!(gateway.send(&upload(&writer)).status, 405, "{name}");
        assert_eq!(gateway.send(&upload(&none)).status, 403, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_that_nginx_asks_at_is_not_to_be_asked_by_others() {
    let auth = Auth::start_process(&[]);
    let Some(gateway) = start::nginx(&auth) else {
        return;
    };
    let session = auth.sign_up("ada").await;
    let internal = RawRequest::new("GET", "/_jeton/verify").header("Authorization", bearer(&session));
    assert_eq!(gateway.send(&internal).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_says_for_which_request_it_asks_and_for_whom() {
    let auth = Auth::start_process(&[("JETON_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let Some(gateway) = start::nginx(&auth) else {
        return;
    };
    let session = auth.sign_up("ada").await;
    let from_afar = request("GET", &session).header("X-Forwarded-For", "203.0.113.9");
    let answer = gateway.send(&from_afar.clone().header("X-Request-Id", "mine"));
    assert_eq!(answer.header("Seen-Request-Id"), Some("mine"));
    let line = auth.service.wait_for_log("\"request_id\":\"mine\"");
    assert!(line.contains("\"client\":\"203.0.113.9\""), "{line}");
    // Where the client gives it no name, nginx does, and the service hears the same as the auth API.
    let answer = gateway.send(&from_afar);
    let id = answer.header("Seen-Request-Id").unwrap();
    auth.service.wait_for_log(&format!("\"request_id\":\"{id}\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refused_as_soon_as_its_logout_has_returned() {
    let auth = Auth::start_process(&[]);
    let gateways = start::all(&auth);
    auth.sign_up("ada").await;
    for _ in 0..10 {
        let session = auth.sign_in("ada").await;
        let after = auth.only_token(&session);
        let statuses = |session| {
            let status = |gateway: &start::Gateway| gateway.send(&request("GET", session)).status;
            gateways.iter().map(status).collect::<Vec<_>>()
        };
        for _ in 0..2 {
            assert_eq!(statuses(&session), vec![200; gateways.len()]);
        }
        session.logout().await.unwrap();
        assert_eq!(statuses(&after), vec![401; gateways.len()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_the_auth_api_lets_nobody_through() {
    let auth = Auth::start_process(&[]);
    let gateways = start::all(&auth);
    let session = auth.sign_up("ada").await;
    for gateway in &gateways {
        assert_eq!(gateway.send(&request("GET", &session)).status, 200);
    }
    auth.service.kill();
    for gateway in &gateways {
        for request in [request("GET", &session), RawRequest::new("GET", "/page.html")] {
            let answer = gateway.send(&request);
            let told = (answer.status, answer.header("Retry-After"));
            assert_eq!(told, gateway.away, "{}: {}", gateway.name, answer.text());
            assert!(!answer.text().contains("the page"));
        }
    }
}
