use crate::server::{Reply, Server};
use crate::support::{NEW, OLD, PASSWORD, client, credentials, invalid_token, login, scripted};
use jeton_client::{AuthClient, ClientError, CreateTokenRequest, ServiceRequest, Session};
use std::error::Error;
use std::fmt::Debug;

#[track_caller]
fn assert_hidden(shown: &str) {
    for secret in [PASSWORD, OLD, NEW, "query-secret", "url-password"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[track_caller]
fn assert_debug_hidden(value: &impl Debug) {
    assert_hidden(&format!("{value:?} {value:#?}"));
}

#[track_caller]
fn assert_error_hidden(error: &ClientError) {
    assert_debug_hidden(error);
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        assert_hidden(&cause.to_string());
        next = cause.source();
    }
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let (auth, session) = scripted(vec![login(NEW)]).await;
    assert_debug_hidden(&session);
    assert_debug_hidden(session.client());
    assert_debug_hidden(&session.tokens());
    assert_debug_hidden(&session.token());
    assert_debug_hidden(&credentials());
    let request = session
        .get(auth.url("/?a=query-secret"))
        .header("x-key", "query-secret")
        .body(PASSWORD);
    assert_debug_hidden(&request);
    let wish = CreateTokenRequest {
        name: "backup".into(),
        scopes: vec![],
        expires_in: None,
    };
    assert_debug_hidden(&session.tokens().create(&wish).await.unwrap());
    assert_debug_hidden(&AuthClient::builder("http://ada:url-password@localhost"));
}

#[tokio::test]
async fn errors_show_no_secret() {
    // Answers that repeat what was sent, or have a token in the wrong place.
    let misplaced = serde_json::json!({"token": OLD, "token_id": NEW});
    let auth = Server::script(vec![
        Reply::json(200, &misplaced),
        Reply::text(200, format!("\"{NEW}\"")),
        Reply::text(400, PASSWORD),
        invalid_token(),
    ])
    .await;
    for _ in 0..4 {
        let error = client(&auth).sign_in(credentials()).await.unwrap_err();
        assert_error_hidden(&error);
    }

    let bad_url = AuthClient::new("http://ada:url-password@localhost").unwrap_err();
    assert_error_hidden(&bad_url);
    let session = client(&auth).session(OLD).unwrap();
    let nobody = "http://ada:url-password@127.0.0.1:1/path?a=query-secret#query-secret";
    let error = session.get(nobody).send().await.unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:1/path"));
    assert_error_hidden(&error);
    let bad_token = client(&auth).session(format!("{OLD}\n")).unwrap_err();
    assert_error_hidden(&bad_token);
}

#[test]
fn sharable_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<AuthClient>();
    check::<Session>();
    check::<ClientError>();
    fn sendable<T: Send>(_: T) {}
    sendable(|session: Session| async move {
        session.me().await?;
        session.tokens().list_all().await?;
        session.change_password("a", "b").await?;
        session.logout().await
    });
    sendable(|request: ServiceRequest| request.send());
}
