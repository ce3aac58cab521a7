use crate::support::{PASSWORD, Services};
use jeton_client::{ClientError, Credentials, ExposeSecret, ProblemKind, Session};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{RawRequest, RawResponse, ServiceProcess, TestDatabase, example, migrate};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::NamedTempFile;

/// Starts the service with a secret of either kind.
fn start(services: &Services, secret: (&str, &str)) -> ServiceProcess {
    let mut env = vec![("BOARD_ADDR", "127.0.0.1:0"), secret];
    env.extend(services.env());
    ServiceProcess::start(example("service_account"), &env)
}

fn start_with_file(services: &Services, file: &Path) -> ServiceProcess {
    start(services, ("BOARD_TOKEN_FILE", file.to_str().unwrap()))
}

/// The account `board`, with a note on it.
async fn make_account(services: &Services) -> String {
    services.jeton("user create board --service --scope notes:read --scope notes:write");
    let token = services.jeton("token create board --name board-1 --scope notes:read");
    let writer = services.jeton("token create board --name writer --scope notes:write");
    let note = json!({ "title": "Closed on Monday", "body": "" });
    let session = services.client().session(writer).unwrap();
    let notes = format!("{}/notes", services.notes.base_url());
    session.post(notes).json(&note).send().await.unwrap();
    token
}

/// Ada, who has no notes of her own, with a token for these scopes.
async fn ada(services: &Services, scopes: &[&str]) -> Session {
    services.sign_up("ada").await;
    let credentials = Credentials::new("ada", PASSWORD).scopes(scopes.iter().copied());
    services.client().sign_in(credentials).await.unwrap()
}

async fn read(board: &ServiceProcess, session: &Session) -> Result<Value, ClientError> {
    session
        .get(format!("{}/board", board.base_url()))
        .send_json()
        .await
}

fn ask(board: &ServiceProcess, authorization: &str) -> RawResponse {
    let mut request = RawRequest::new("GET", "/board");
    if !authorization.is_empty() {
        request = request.header("Authorization", authorization);
    }
    request.send(board.address())
}

#[tokio::test]
async fn callers_see_what_the_account_sees() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    let token = make_account(&services).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    let session = ada(&services, &["notes:read"]).await;
    let notes = read(&board, &session).await.unwrap();
    assert_eq!(notes["notes"][0]["title"], "Closed on Monday");
    assert!(!board.logs().contains(&token), "{}", board.logs());
}

#[tokio::test]
async fn what_is_wrong_with_the_callers_token_the_caller_is_told() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    let token = make_account(&services).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    let missing = ask(&board, "");
    assert_eq!(missing.status, 401);
    assert_eq!(
        missing.header("WWW-Authenticate"),
        Some(r#"Bearer realm="jeton""#)
    );
    for wrong in [
        "Basic eDp5",
        "Bearer",
        "Bearer jtn_mistyped",
        "Bearer a b",
        "Bearer \u{fffd}",
    ] {
        let refused = ask(&board, wrong);
        assert_eq!(refused.status, 401, "{wrong}");
        let challenge = r#"Bearer realm="jeton", error="invalid_token""#;
        assert_eq!(refused.header("WWW-Authenticate"), Some(challenge), "{wrong}");
    }
    let session = ada(&services, &["notes:write"]).await;
    let forbidden = read(&board, &session).await.unwrap_err();
    assert_eq!(forbidden.kind(), Some(ProblemKind::InsufficientScope));
}

#[tokio::test]
async fn a_403_of_the_account_is_no_403_of_the_caller() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    make_account(&services).await;
    let powerless = services.jeton("token create board --name powerless --scope notes:write");
    let direct = services.client().session(powerless.as_str()).unwrap();
    let direct = direct.get(format!("{}/notes", services.notes.base_url()));
    let refused = direct.send().await.unwrap_err();
    assert_eq!(refused.kind(), Some(ProblemKind::InsufficientScope), "{refused}");

    let board = start(&services, ("BOARD_TOKEN", &powerless));
    let session = ada(&services, &["notes:read"]).await;
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Internal), "{failed}");
    let line = board.wait_for_log("the account of this service");
    assert!(line.contains("The token lacks the scope notes:read."), "{line}");
    let (_, id) = line.split_once("(request ").unwrap();
    services.notes.wait_for_log(id.trim_end_matches(')'));
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    let first = make_account(&services).await;
    let file = NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("{first}\n")).unwrap();
    let board = start_with_file(&services, file.path());
    let session = ada(&services, &["notes:read"]).await;
    read(&board, &session).await.unwrap();

    services.client().session(first).unwrap().logout().await.unwrap();
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Internal), "{failed}");
    assert!(session.me().await.is_ok(), "ada's own token is still good");

    let second = services.jeton("token create board --name board-2 --scope notes:read");
    std::fs::write(&file, second).unwrap();
    read(&board, &session).await.unwrap();
}

#[tokio::test]
async fn a_503_is_passed_on_with_the_time_to_wait() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let services = Services::start(&postgres.url());
    let token = make_account(&services).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    // The auth API remembers this one.
    let known = ada(&services, &["notes:read"]).await;
    known.verify(&[]).await.unwrap();
    postgres.stop().unwrap();
    let away = ask(&board, &format!("Bearer {}", known.token().expose_secret()));
    assert_eq!(away.status, 503);
    assert!(away.header("Retry-After").is_some());
}

#[tokio::test]
async fn no_answer_is_a_503_too() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    let token = make_account(&services).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    let session = ada(&services, &["notes:read"]).await;
    services.notes.kill();
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Unavailable), "{failed}");
    board.wait_for_log("no answer: ");
}

#[test]
fn without_a_secret_it_does_not_start() {
    let refused = ServiceProcess::try_start(example("service_account"), &[]).unwrap_err();
    assert!(!refused.status.unwrap().success());
    assert!(refused.logs.contains("BOARD_TOKEN_FILE"), "{}", refused.logs);
}
