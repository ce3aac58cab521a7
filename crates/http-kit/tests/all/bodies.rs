//! Bodies and queries that cannot be read.

use crate::support::{in_process, problem};
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
    ] {
        let response = request.send(service.address());
        assert_eq!(problem(&response), (status, kind.to_owned()));
        assert!(!response.text().contains("sesame"), "{}", response.text());
    }
    assert_eq!(encoded("Identity").send(service.address()).status, 204);
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
    for query in ["limit=sesame", "limit=-1", "after=sesame", "limit=1&limit=2"] {
        let response = service.get(&format!("/page?{query}"));
        assert_eq!(problem(&response), (400, "malformed-query".to_owned()), "{query}");
        assert!(!response.text().contains("sesame"));
    }
}
