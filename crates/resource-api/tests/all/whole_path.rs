//! The path of a person through both services.

use crate::support::{Note, NoteList, PASSWORD, Stack, kind, notes_process, only_token};
use jeton_client::{CreateTokenRequest, Credentials, ExposeSecret, ProblemKind};
use jeton_proof_support::{RawRequest, TestDatabase};
use serde_json::{Value, json};

#[tokio::test]
async fn sign_up_log_in_write_read_log_out_and_be_refused() {
    let stack = Stack::start();
    stack.sign_up("ada").await;
    let session = stack
        .client()
        .sign_in(Credentials::new("ADA", PASSWORD).name("Pixel 9"))
        .await
        .unwrap();

    let written: Note = session
        .post(stack.at("/notes"))
        .json(&json!({ "title": "Engine", "body": "It weaves algebraic patterns." }))
        .send_json()
        .await
        .unwrap();
    let list: NoteList = session.get(stack.at("/notes")).send_json().await.unwrap();
    assert_eq!(list.notes, [written]);

    let after = only_token(&session);
    session.logout().await.unwrap();
    assert_eq!(
        kind(after.get(stack.at("/notes")).send().await),
        ProblemKind::InvalidToken
    );
    assert_eq!(
        kind(after.get(stack.at("/whoami")).send().await),
        ProblemKind::InvalidToken
    );
    assert_eq!(after.get(stack.at("/public")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_guard_hands_over_who_is_calling() {
    let stack = Stack::start();
    let session = stack.sign_up("Ada").await;
    let me = session.me().await.unwrap();
    let who: Value = session.get(stack.at("/whoami")).send_json().await.unwrap();
    let expected = json!({
        "user": { "id": me.user.id.to_string(), "username": "Ada" },
        "token_id": me.token.id.to_string(),
        "kind": "login",
        "client_id": null,
        "scopes": ["notes:read", "notes:write"],
    });
    assert_eq!(who, expected);
}

#[tokio::test]
async fn djangos_scheme_is_accepted() {
    let stack = Stack::start();
    let token = stack.sign_up("ada").await.token();
    let request =
        RawRequest::new("GET", "/whoami").header("Authorization", format!("Token {}", token.expose_secret()));
    assert_eq!(request.send(stack.notes.address()).status, 200);
}

#[tokio::test]
async fn a_token_for_reading_reads_and_does_not_write() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    let request = CreateTokenRequest {
        name: "reader".into(),
        scopes: vec!["notes:read".into()],
        expires_in: None,
    };
    let issued = session.tokens().create(&request).await.unwrap();
    let header = format!("Bearer {}", issued.token.expose_secret());
    let get = RawRequest::new("GET", "/notes").header("Authorization", &header);
    assert_eq!(get.send(stack.notes.address()).status, 200);
    // The scope is told before the body is looked at.
    let post = RawRequest::new("POST", "/notes")
        .header("Authorization", &header)
        .body("{ no json");
    let response = post.send(stack.notes.address());
    assert_eq!(response.status, 403);
    let challenge = r#"Bearer realm="jeton", error="insufficient_scope", scope="notes:write""#;
    assert_eq!(response.header("WWW-Authenticate"), Some(challenge));
    assert!(response.text().contains("urn:jeton:problem:insufficient-scope"));
}

#[tokio::test]
async fn a_session_signs_in_again_when_its_token_is_gone() {
    let stack = Stack::start();
    stack.sign_up("ada").await;
    let session = stack
        .client()
        .sign_in(Credentials::new("ada", PASSWORD))
        .await
        .unwrap();
    let before = session.me().await.unwrap().token.id;
    // Revoked by another session of the same user.
    let other = stack
        .client()
        .sign_in(Credentials::new("ada", PASSWORD))
        .await
        .unwrap();
    other.tokens().revoke(before).await.unwrap();
    session.get(stack.at("/notes")).send().await.unwrap();
    assert_ne!(session.me().await.unwrap().token.id, before);
}

#[tokio::test]
async fn neither_service_sets_or_reads_a_cookie() {
    let stack = Stack::start();
    let token = stack.sign_up("ada").await.token();
    for address in [stack.auth.address(), stack.notes.address()] {
        for path in ["/v1/me", "/whoami", "/notes", "/public", "/livez"] {
            let with_cookie = RawRequest::new("GET", path).header(
                "Cookie",
                format!("token={0}; authorization=Bearer {0}", token.expose_secret()),
            );
            let response = with_cookie.send(address);
            assert_eq!(response.header("Set-Cookie"), None, "{path}");
            assert!(
                ["/public", "/livez"].contains(&path) || [401, 404].contains(&response.status),
                "{path}"
            );
        }
    }
}

#[test]
fn told_to_end_it_ends_in_order() {
    let database = TestDatabase::create();
    let notes = notes_process(database.url());
    assert_eq!(notes.get("/public").status, 200);
    assert!(notes.terminate().success());
}
