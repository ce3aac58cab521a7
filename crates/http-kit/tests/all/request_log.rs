//! What a request is called, and what is said of it.

use crate::support::{issue, process};
use jeton_domain::ExposeSecret;
use jeton_proof_support::{RawRequest, RawResponse, ServiceProcess, TestDatabase};
use serde_json::Value;
use std::collections::HashSet;

const ID: &str = "X-Request-Id";

fn id_of(response: &RawResponse) -> String {
    let ids: Vec<&str> = response.headers_named(ID).collect();
    assert_eq!(ids.len(), 1, "{response:?}");
    ids[0].to_owned()
}

/// The line that says how the request with this id was answered.
fn answered(service: &ServiceProcess, id: &str) -> Value {
    let line = service.wait_for_log(&format!("\"request_id\":\"{id}\""));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "answered", "{line}");
    line
}

#[test]
fn an_answered_request_is_one_line() {
    let database = TestDatabase::create();
    let (user, token, text) = issue(&mut database.connect(), "ada");
    let service = process(&[("DATABASE_URL", database.url())]);
    let known =
        RawRequest::new("GET", "/whoami?nonsense=1").header("Authorization", format!("Bearer {text}"));
    for (id, request, route, status, is_known) in [
        ("known", known, "/whoami", 200, true),
        (
            "stranger",
            RawRequest::new("GET", "/whoami"),
            "/whoami",
            401,
            false,
        ),
        (
            "pattern",
            RawRequest::new("GET", "/items/ada"),
            "/items/{id}",
            404,
            false,
        ),
        ("nowhere", RawRequest::new("GET", "/nowhere/ada"), "-", 404, false),
    ] {
        let response = request.header(ID, id).send(service.address());
        assert_eq!((response.status, id_of(&response).as_str()), (status, id));
        let line = answered(&service, id);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["status"], status);
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
        assert_eq!(line["span"]["route"], route);
        assert_eq!(line["span"]["client"], "127.0.0.1");
        let user = is_known.then(|| user.to_string());
        assert_eq!(line["user_id"].as_str(), user.as_deref());
        let token = is_known.then(|| token.to_string());
        assert_eq!(line["token_id"].as_str(), token.as_deref());
    }
    let logs = service.logs();
    assert!(!logs.contains("nonsense") && !logs.contains("/ada"), "{logs}");
    assert_eq!(logs.matches("\"request_id\":\"known\"").count(), 1);
}

#[test]
fn every_answer_has_an_id_and_a_bad_one_is_replaced() {
    let service = process(&[]);
    let get = |path| RawRequest::new("GET", path);
    let post = |body: &str| {
        RawRequest::new("POST", "/login")
            .header("Content-Type", "application/json")
            .body(body)
    };
    let mut seen = HashSet::new();
    for (request, status) in [
        (get("/livez"), 200),
        (get("/livez").header(ID, ""), 200),
        (get("/livez").header(ID, "a b"), 200),
        (get("/livez").header(ID, "a".repeat(65)), 200),
        (get("/livez").header(ID, b"\xff\xfe"), 200),
        (get("/livez").header(ID, "one").header(ID, "two"), 200),
        (get("/nowhere"), 404),
        (RawRequest::new("DELETE", "/login"), 405),
        (get("/refused"), 401),
        (post("{"), 400),
        (post("{}"), 422),
        (post(&" ".repeat(200_000)), 413),
    ] {
        let response = request.send(service.address());
        assert_eq!(response.status, status);
        let id = id_of(&response);
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
        answered(&service, &id);
        assert!(seen.insert(id));
    }
}

#[test]
fn a_token_that_goes_astray_into_the_id_is_not_kept() {
    let service = process(&[]);
    let token = jeton_domain::PlainToken::generate(&mut rand::rng());
    let response = RawRequest::new("GET", "/livez")
        .header(ID, token.expose_secret())
        .send(service.address());
    answered(&service, &id_of(&response));
    assert!(!service.logs().contains(&token.expose_secret()[4..36]));
}
