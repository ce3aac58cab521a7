//! Slashes at the end of paths, as clients of Django's write them.

use crate::support::{in_process, problem, process};
use jeton_proof_support::RawRequest;

#[test]
fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let service = in_process(&[("JETON_CORS_ORIGINS", "https://app.example.org")]);
    let login = |path: &str| {
        RawRequest::new("POST", path)
            .header("Content-Type", "application/json")
            .body(r#"{"username": "ada", "password": "x"}"#)
    };
    for (request, status) in [
        (login("/login/"), 204),
        (RawRequest::new("GET", "/public/"), 200),
        (RawRequest::new("HEAD", "/public/"), 200),
        (RawRequest::new("GET", "/page/?limit=1"), 200),
        (RawRequest::new("GET", "/livez/"), 200),
        (RawRequest::new("GET", "/items/x/"), 404),
    ] {
        assert_eq!(request.send(service.address()).status, status);
    }
    let wrong = RawRequest::new("PUT", "/login/").send(service.address());
    assert_eq!((wrong.status, wrong.header("Allow")), (405, Some("POST")));
    let preflight = RawRequest::new("OPTIONS", "/login/")
        .header("Origin", "https://app.example.org")
        .header("Access-Control-Request-Method", "POST")
        .send(service.address());
    assert_eq!(preflight.status, 200);
}

#[test]
fn no_other_path_is_made_of_another() {
    let service = in_process(&[]);
    for path in ["/public//", "//public", "/", "/items//x", "/public/.", "/PUBLIC"] {
        let answer = RawRequest::new("GET", path).send(service.address());
        assert_eq!(problem(&answer), (404, "not-found".to_owned()), "{path}");
    }
}

#[test]
fn the_log_and_the_metrics_name_the_path_without_it() {
    let service = process(&[("JETON_METRICS_ADDR", "127.0.0.1:0")]);
    let answer = RawRequest::new("GET", "/items/x/")
        .header("X-Request-Id", "slash")
        .send(service.address());
    assert_eq!(answer.status, 404);
    let line = service.wait_for_log("\"request_id\":\"slash\"");
    assert!(line.contains(r#""route":"/items/{id}""#), "{line}");
    let metrics = RawRequest::new("GET", "/metrics")
        .send(service.metrics_address())
        .text();
    assert!(metrics.contains(r#"route="/items/{id}""#), "{metrics}");
}
