//! Bodies and queries that cannot be read.

use crate::support::{in_process, problem};
use jeton_api_types::Problem;
use jeton_proof_support::{RawRequest, raw};

fn json(body: &str) -> RawRequest {
    RawRequest::new("POST", "/login")
        .header("Content-Type", "application/json")
        .body(body)
}

#[test]
fn bodies_that_cannot_be_read_are_problems_that_do_not_quote_them() {
    let service = in_process(&[]);
    let login = RawRequest::new("POST", "/login");
    let plain = |kind: &str| login.clone().header("Content-Type", kind).body("sesame");
    let whole = json(r#"{"username": "sesame", "password": "sesame"}"#);
    let encoded = |coding: &str| whole.clone().header("Content-Encoding", coding);
    let long = format!("\"{}\"", "sesame".repeat(30_000));
    for (request, status, kind) in [
        (json("{ sesame"), 400, "malformed-body"),
        (json(""), 400, "malformed-body"),
        (json(r#"{"username": "sesame"}"#), 422, "validation"),
        (
            json(r#"{"username": 1, "password": "sesame"}"#),
            422,
            "validation",
        ),
        (json(r#"["sesame"]"#), 422, "validation"),
        (json(&long), 413, "body-too-large"),
        (plain("text/plain"), 415, "unsupported-media-type"),
        (plain("multipart/form-data"), 415, "unsupported-media-type"),
        (login.clone().body("sesame"), 415, "unsupported-media-type"),
        (encoded("gzip"), 415, "unsupported-media-type"),
        (encoded("identity, sesame"), 415, "unsupported-media-type"),
        (encoded(", gzip"), 415, "unsupported-media-type"),
    ] {
        let response = request.send(service.address());
        assert_eq!(problem(&response), (status, kind.to_owned()));
        assert!(!response.text().contains("sesame"), "{}", response.text());
    }
    for none in ["Identity", "identity, ", "", ",identity ,identity"] {
        assert_eq!(encoded(none).send(service.address()).status, 204, "{none:?}");
    }
}

#[test]
fn a_body_that_grows_past_the_limit_unannounced_is_413() {
    let service = in_process(&[]);
    let chunk = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536));
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(3)
    );
    let response = raw(service.address(), request.as_bytes());
    assert_eq!(problem(&response), (413, "body-too-large".to_owned()));
}

#[test]
fn a_bad_query_is_a_problem() {
    let service = in_process(&[]);
    for query in ["limit=sesame", "limit=-1", "after=sesame"] {
        let response = service.get(&format!("/page?{query}"));
        assert_eq!(problem(&response), (400, "malformed-query".to_owned()), "{query}");
        assert!(!response.text().contains("sesame"));
    }
}

/// The fields or parameters that an answer refuses.
fn refused(request: &RawRequest, address: &str) -> Vec<String> {
    let response = request.send(address);
    assert_eq!(problem(&response), (422, "validation".to_owned()));
    let problem: Problem = serde_json::from_slice(&response.body).unwrap();
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn names_that_are_not_known_are_refused_and_told() {
    let service = in_process(&[]);
    let get = |target: &str| RawRequest::new("GET", target);
    let form = |path: &str, body: &str| {
        RawRequest::new("POST", path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
    };
    for (request, names) in [
        (get("/page?limit=1&ofset=2&email=x"), vec!["/ofset", "/email"]),
        (get("/page?limit=1&limit=2"), vec!["/limit"]),
        (get("/page/?ofset=2"), vec!["/ofset"]),
        (get("/page?x=1&%79=2"), vec!["/x", "/y"]),
        (
            json(r#"{"username": "ada", "password": "x", "scope": "a"}"#),
            vec!["/scope"],
        ),
        (
            json(r#"{"user": "ada", "password": "x"}"#),
            vec!["/username", "/user"],
        ),
        (form("/login", "username=ada&password=x&csrf=1"), vec!["/csrf"]),
    ] {
        assert_eq!(refused(&request, service.address()), names);
    }
    for fine in [
        get("/page?limit=1"),
        get("/page?"),
        get("/livez?x"),
        get("/readyz?x=1&%79=2"),
        form("/oauth", "username=ada&password=x&more=1&more=2"),
        form("/oauth?more=1", "username=ada&password=x"),
        json("\u{feff}{\"username\": \"ada\", \"password\": \"x\"}"),
    ] {
        assert!([200, 204].contains(&fine.send(service.address()).status));
    }
}
