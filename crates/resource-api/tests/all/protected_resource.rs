//! The service under the name by which apps ask for its tokens.

use crate::support::{Stack, database, serve_notes, sign_up, start_auth_with};
use jeton_client::ExposeSecret;
use jeton_proof_support::{RawRequest, execute};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 2] = [
    ("NOTES_RESOURCE", "https://notes.example/api"),
    ("JETON_ISSUER", "https://auth.example"),
];
const METADATA: &str = "/.well-known/oauth-protected-resource/api";

#[tokio::test]
async fn an_app_learns_from_a_refusal_where_to_ask_for_tokens() {
    let (database, _) = database();
    let notes = serve_notes(database.url(), &SETTINGS);
    let refused = RawRequest::new("GET", "/notes").send(notes.address());
    assert_eq!(refused.status, 401);
    let challenge = r#"Bearer realm="jeton", resource_metadata="https://notes.example/.well-known/oauth-protected-resource/api""#;
    assert_eq!(refused.header("WWW-Authenticate"), Some(challenge));
    let metadata: Value =
        serde_json::from_slice(&RawRequest::new("GET", METADATA).send(notes.address()).body).unwrap();
    assert_eq!(metadata["resource"], "https://notes.example/api");
    assert_eq!(metadata["authorization_servers"], json!(["https://auth.example"]));
    assert_eq!(metadata["scopes_supported"], json!(["notes:read", "notes:write"]));
}

/// As an app gets them; how is the auth API's to show.
#[tokio::test]
async fn a_token_for_the_service_alone_is_accepted_under_this_name() {
    let (database, mut connection) = database();
    let auth = start_auth_with(database.url(), &[]);
    let session = crate::support::client(&auth.base_url());
    let session = session.sign_up_session(&sign_up("ada")).await.unwrap();
    execute(
        &mut connection,
        "WITH client AS (INSERT INTO clients (id, name, redirect_uris, scopes, grant_types) \
            SELECT id, 'App', '{}', '{notes:read}', '{}' FROM users) \
        INSERT INTO grants (id, user_id, client_id, scopes) SELECT id, id, id, '{notes:read}' FROM users",
    );
    execute(
        &mut connection,
        "UPDATE tokens SET kind = 'delegated', client_id = user_id, grant_id = user_id, \
            idle_ttl_secs = NULL, expires_at = now() + interval '1 hour', audience = 'https://notes.example/api'",
    );
    let named = serve_notes(database.url(), &SETTINGS);
    let nameless = serve_notes(database.url(), &[]);
    let header = format!("Bearer {}", session.token().expose_secret());
    let ask = |path| RawRequest::new("GET", path).header("Authorization", &header);
    for (service, status) in [(&named, 200), (&nameless, 401)] {
        assert_eq!(ask("/notes").send(service.address()).status, status);
    }
    let who = ask("/whoami").send(named.address());
    let who: Value = serde_json::from_slice(&who.body).unwrap();
    assert_eq!(who["kind"], "delegated");
    assert!(who["client_id"].is_string());
}

#[tokio::test]
async fn a_service_without_a_name_has_no_metadata() {
    let stack = Stack::start();
    let answer = RawRequest::new("GET", METADATA).send(stack.notes.address());
    assert_eq!(answer.status, 404);
}
