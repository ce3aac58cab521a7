//! What a request is called, and what is said of it.

use crate::support::{Auth, json, login};
use diesel::connection::SimpleConnection;
use jeton_client::ExposeSecret;
use jeton_proof_support::{RawRequest, RawResponse, ServiceProcess};
use serde_json::Value;

const ID: &str = "X-Request-Id";

fn id_of(response: &RawResponse) -> String {
    let ids: Vec<&str> = response.headers_named(ID).collect();
    assert_eq!(ids.len(), 1, "{response:?}");
    ids[0].to_owned()
}

/// The line that says how the request with this id was answered.
fn answered(auth: &Auth<ServiceProcess>, id: &str) -> Value {
    let line = auth.service.wait_for_log(&format!("\"request_id\":\"{id}\""));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "answered", "{line}");
    line
}

#[tokio::test]
async fn an_answered_request_is_one_line() {
    let auth = Auth::start_process(&[]);
    let session = auth.sign_up("ada").await;
    let me = session.me().await.unwrap();
    let token = session.token().expose_secret().to_owned();
    let personal = format!("/v1/tokens/{}", me.token.id);
    for (id, request, route, status, known) in [
        (
            "known",
            RawRequest::new("GET", "/v1/me?nonsense=1").header("Authorization", format!("Bearer {token}")),
            "/v1/me",
            200,
            true,
        ),
        ("stranger", RawRequest::new("GET", "/v1/me"), "/v1/me", 401, false),
        (
            "pattern",
            RawRequest::new("DELETE", &personal),
            "/v1/tokens/{id}",
            401,
            false,
        ),
        (
            "nowhere",
            RawRequest::new("GET", "/v1/nowhere/ada"),
            "-",
            404,
            false,
        ),
    ] {
        let response = auth.send(&request.header(ID, id));
        assert_eq!((response.status, id_of(&response).as_str()), (status, id));
        let line = answered(&auth, id);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["status"], status);
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
        assert_eq!(line["span"]["route"], route);
        assert_eq!(line["span"]["client"], "127.0.0.1");
        let user = known.then(|| me.user.id.to_string());
        assert_eq!(line["user_id"].as_str(), user.as_deref());
        let token = known.then(|| me.token.id.to_string());
        assert_eq!(line["token_id"].as_str(), token.as_deref());
    }
    let logs = auth.service.logs();
    assert!(
        !logs.contains("nonsense") && !logs.contains("nowhere/ada"),
        "{logs}"
    );
    assert_eq!(logs.matches("\"request_id\":\"known\"").count(), 1);
}

#[test]
fn every_answer_has_an_id_and_a_bad_one_is_replaced() {
    let auth = Auth::start_process(&[]);
    let mut seen = std::collections::HashSet::new();
    let too_long = "a".repeat(65);
    for (request, status) in [
        (RawRequest::new("GET", "/livez"), 200),
        (RawRequest::new("GET", "/livez").header(ID, ""), 200),
        (RawRequest::new("GET", "/livez").header(ID, "a b"), 200),
        (RawRequest::new("GET", "/livez").header(ID, too_long), 200),
        (RawRequest::new("GET", "/livez").header(ID, b"\xff\xfe"), 200),
        (
            RawRequest::new("GET", "/livez")
                .header(ID, "one")
                .header(ID, "two"),
            200,
        ),
        (RawRequest::new("GET", "/nowhere"), 404),
        (RawRequest::new("DELETE", "/v1/login"), 405),
        (RawRequest::new("GET", "/v1/me"), 401),
        (json("POST", "/v1/login", "{"), 400),
        (json("POST", "/v1/login", "{}"), 422),
        (json("POST", "/v1/login", &" ".repeat(200_000)), 413),
    ] {
        let response = auth.send(&request);
        assert_eq!(response.status, status);
        let id = id_of(&response);
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
        answered(&auth, &id);
        assert!(seen.insert(id));
    }
}

#[tokio::test]
async fn whatever_is_logged_on_the_way_has_the_id_even_where_only_warnings_are() {
    let auth = Auth::start_process(&[("JETON_LOG", "warn,jeton_http_kit::server=info")]);
    auth.sign_up("ada").await;
    auth.connect()
        .batch_execute("ALTER TABLE users RENAME COLUMN password_hash TO hidden")
        .unwrap();
    let body = serde_json::json!({ "username": "ada", "password": "x" }).to_string();
    let response = auth.send(&json("POST", "/v1/login", &body).header(ID, "unlucky"));
    assert_eq!((response.status, id_of(&response).as_str()), (500, "unlucky"));
    let line: Value = serde_json::from_str(&auth.service.wait_for_log("unlucky")).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["span"]["route"], "/v1/login");
    let error = auth.client().login(&login("ada", "x")).await.unwrap_err();
    auth.service.wait_for_log(error.request_id().unwrap());
}

#[test]
fn a_token_that_goes_astray_into_the_id_is_not_kept() {
    let auth = Auth::start_process(&[]);
    let token = jeton_domain::PlainToken::generate(&mut rand::rng());
    let response = auth.send(&RawRequest::new("GET", "/livez").header(ID, token.expose_secret()));
    answered(&auth, &id_of(&response));
    assert!(!auth.service.logs().contains(&token.expose_secret()[4..36]));
}
