use crate::server::{Reply, Server};
use crate::support::{ID, NEW, PASSWORD, client, credentials, issued, kind, problem, unavailable};
use jeton_client::{AuthClient, ClientError, ExposeSecret, LoginRequest, ProblemKind, SignUpRequest};
use serde_json::json;
use std::time::Duration;

fn login() -> LoginRequest {
    LoginRequest {
        username: "ada".into(),
        password: PASSWORD.into(),
        name: None,
        scopes: None,
        expires_in: None,
    }
}

fn sign_up() -> SignUpRequest {
    SignUpRequest {
        username: "ada".into(),
        password: PASSWORD.into(),
        email: Some("ada@example.org".into()),
    }
}

#[tokio::test]
async fn signs_up() {
    let auth = Server::script(vec![Reply::json(201, &issued(NEW))]).await;
    let issued = client(&auth).sign_up(&sign_up()).await.unwrap();
    assert_eq!(issued.token.expose_secret(), NEW);
    assert_eq!(issued.user.id.to_string(), ID);

    let request = &auth.received()[0];
    assert_eq!(request.line(), "POST /v1/users");
    assert_eq!(
        request.json(),
        json!({"username": "ada", "password": PASSWORD, "email": "ada@example.org"})
    );
    assert!(request.authorization().is_empty());
}

#[tokio::test]
async fn logs_in_with_all_that_was_asked_for() {
    let auth = Server::script(vec![Reply::json(200, &issued(NEW))]).await;
    let credentials = credentials()
        .name("Pixel 9")
        .scopes(["notes:read"])
        .expires_in(60);
    let session = client(&auth).sign_in(credentials).await.unwrap();
    assert_eq!(session.token().expose_secret(), NEW);

    let request = &auth.received()[0];
    assert_eq!(request.line(), "POST /v1/login");
    let body = json!({
        "username": "ada", "password": PASSWORD, "name": "Pixel 9", "scopes": ["notes:read"], "expires_in": 60
    });
    assert_eq!(request.json(), body);
    let agent = format!("jeton-client/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.headers("user-agent"), [agent]);
}

#[tokio::test]
async fn base_url_with_a_path() {
    let auth = Server::script(vec![Reply::json(200, &issued(NEW))]).await;
    let client = AuthClient::new(&auth.url("/some/where")).unwrap();
    client.login(&login()).await.unwrap();
    assert_eq!(auth.lines(), ["POST /some/where/v1/login"]);
}

#[tokio::test]
async fn problems_are_errors_of_their_kind() {
    let rate_limited = Reply::new(429).header("retry-after", "7");
    let auth = Server::script(vec![
        problem(ProblemKind::InvalidCredentials),
        rate_limited,
        problem(ProblemKind::UsernameTaken),
    ])
    .await;
    let client = client(&auth);

    let error = client.login(&login()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::InvalidCredentials));
    assert!(error.is_unauthorized());
    assert_eq!(error.to_string(), "Invalid credentials: As scripted.");

    let error = client.login(&login()).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 429);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(matches!(error, ClientError::Status { .. }));

    let error = client.sign_up(&sign_up()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::UsernameTaken));
    assert_eq!(error.status().unwrap(), 409);
}

#[tokio::test]
async fn a_login_is_repeated_when_the_service_says_when() {
    let auth = Server::script(vec![unavailable(Some("0")), Reply::json(200, &issued(NEW))]).await;
    client(&auth).login(&login()).await.unwrap();
    assert_eq!(auth.count(), 2);

    let auth = Server::script(vec![unavailable(None)]).await;
    let failed = client(&auth).login(&login()).await;
    assert_eq!(kind(failed), ProblemKind::Unavailable);
    assert_eq!(auth.count(), 1);
}

#[tokio::test]
async fn a_sign_up_is_never_repeated() {
    let auth = Server::script(vec![unavailable(Some("0"))]).await;
    let error = client(&auth).sign_up(&sign_up()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::Unavailable));
    assert_eq!(error.retry_after(), Some(Duration::ZERO));
    assert_eq!(auth.count(), 1);
}

#[tokio::test]
async fn nobody_listens() {
    let client = AuthClient::new("http://127.0.0.1:1").unwrap();
    let error = client.login(&login()).await.unwrap_err();
    assert!(matches!(&error, ClientError::Transport(cause) if cause.is_connect()));
    assert_eq!(error.status(), None);
}

#[tokio::test]
async fn no_answer_in_time() {
    let auth = Server::start(|_| std::future::pending()).await;
    let client = AuthClient::builder(&auth.url(""))
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = client.login(&login()).await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(cause) if cause.is_timeout()));
}

#[tokio::test]
async fn plain_text_where_tls_is_expected() {
    let auth = Server::script(vec![]).await;
    let client = AuthClient::new(&auth.url("").replace("http:", "https:")).unwrap();
    let error = client.login(&login()).await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(_)));
    assert!(!auth.received()[0].contains(PASSWORD));
}

#[test]
fn unusable_settings() {
    for bad in ["", "auth.example.org", "ftp://auth.example.org"] {
        assert!(
            matches!(AuthClient::new(bad), Err(ClientError::InvalidBaseUrl(_))),
            "{bad}"
        );
    }
    let bad_agent = AuthClient::builder("http://localhost").user_agent("a\nb").build();
    assert!(matches!(bad_agent, Err(ClientError::Transport(_))));
    let client = AuthClient::new("http://localhost").unwrap();
    assert!(matches!(
        client.session("jtn_x\n"),
        Err(ClientError::MalformedToken)
    ));
}
