//! What a request is called, and what is said of it.

use crate::support::{Auth, json};
use serde_json::Value;

const ID: &str = "X-Request-Id";

#[tokio::test]
async fn log_lines_on_the_way_have_the_id_even_where_only_warnings_are_logged() {
    let auth = Auth::start_process(&[("JETON_LOG", "warn,jeton_http_kit::server=info")]);
    auth.sign_up("ada").await;
    auth.execute("ALTER TABLE users RENAME COLUMN password_hash TO hidden");
    let body = serde_json::json!({ "username": "ada", "password": "x" }).to_string();
    let response = auth.send(&json("POST", "/v1/login", &body).header(ID, "unlucky"));
    assert_eq!((response.status, response.header(ID).unwrap()), (500, "unlucky"));
    let line: Value = serde_json::from_str(&auth.service.wait_for_log("unlucky")).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["span"]["route"], "/v1/login");
    let error = auth.login("ada", "x").await.unwrap_err();
    auth.service.wait_for_log(error.request_id().unwrap());
}

/// Whoever may register a verifier chooses its name.
#[tokio::test]
async fn the_name_of_a_verifier_is_cut_and_escaped() {
    let auth = Auth::start_process(&[]);
    let session = auth.sign_up("ada").await;
    auth.execute(
        "INSERT INTO verifiers (id, name, lease_ms)
            VALUES (gen_random_uuid(), U&'evil\\202e' || repeat('x', 80), 100)",
    );
    session.logout().await.unwrap();
    let line = auth.service.wait_for_log("removed a verifier");
    assert!(line.contains("evil") && line.contains("u202e"), "{line}");
    assert!(
        !line.contains('\u{202e}') && !line.contains(&"x".repeat(60)),
        "{line}"
    );
}
