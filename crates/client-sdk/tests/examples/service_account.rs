use crate::support::{PASSWORD, Services, token};
use clap::Parser;
use jeton_client::{ClientError, CreateUserRequest, Credentials, ExposeSecret, ProblemKind, Session};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{
    Endpoint, RawRequest, RawResponse, ServiceProcess, TestDatabase, example, is_role, migrate,
};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::NamedTempFile;
use uuid::Uuid;

/// Starts the service with a secret of either kind.
fn start(services: &Services, secret: (&str, &str)) -> ServiceProcess {
    start_beside(services, &services.notes, secret)
}

fn start_beside(services: &Services, notes: &Endpoint, secret: (&str, &str)) -> ServiceProcess {
    let env = [
        ("BOARD_ADDR", "127.0.0.1:0"),
        ("JETON_AUTH_ADDR", services.auth.address()),
        ("NOTES_ADDR", notes.address()),
        secret,
    ];
    ServiceProcess::start(example("service_account"), &env)
}

fn start_with_file(services: &Services, file: &Path) -> ServiceProcess {
    start(services, ("BOARD_TOKEN_FILE", file.to_str().unwrap()))
}

/// The account `board`, and who administers it.
struct Account {
    admin: Session,
    id: Uuid,
}

impl Account {
    /// With a note on it.
    async fn make(services: &Services) -> Self {
        let admin = services.admin().await;
        let board = CreateUserRequest {
            username: "board".into(),
            password: None,
            email: None,
            service: true,
            scopes: Some(vec!["notes:read".into(), "notes:write".into()]),
        };
        let id = admin.admin().create_user(&board).await.unwrap().id;
        let account = Self { admin, id };
        let writer = account.token("writer", "notes:write").await;
        let note = json!({ "title": "Closed on Monday", "body": "" });
        let session = services.client().session(writer).unwrap();
        let notes = format!("{}/notes", services.notes.base_url());
        session.post(notes).json(&note).send().await.unwrap();
        account
    }

    async fn token(&self, name: &str, scope: &str) -> String {
        let (admin, token) = (self.admin.admin(), token(name, scope));
        let issued = admin.create_token(self.id, &token).await.unwrap();
        issued.token.expose_secret().to_owned()
    }
}

/// A service with an account, and the account's token.
async fn services_with_account(database_url: &str) -> (Services, Account, String) {
    let services = Services::start(database_url);
    let account = Account::make(&services).await;
    let token = account.token("board-1", "notes:read").await;
    (services, account, token)
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
    let (services, _, token) = services_with_account(database.url()).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    let session = ada(&services, &["notes:read"]).await;
    let notes = read(&board, &session).await.unwrap();
    assert_eq!(notes["notes"][0]["title"], "Closed on Monday");
    assert!(!board.logs().contains(&token), "{}", board.logs());
}

#[tokio::test]
async fn a_caller_is_told_what_is_wrong_with_the_token() {
    let database = TestDatabase::create();
    let (services, _, token) = services_with_account(database.url()).await;
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

/// Not a test, but the notes service as a process, where one is started in this role.
#[test]
fn a_notes_service_with_a_log() {
    if is_role() {
        let settings = jeton_resource_api::Settings::parse_from(["notes"]);
        let log = settings.log.clone();
        let start = jeton_resource_api::start;
        jeton_http_kit::run(&log, async { start(settings).await?.serve().await });
    }
}

#[tokio::test]
async fn a_403_of_the_account_is_no_403_of_the_caller() {
    let database = TestDatabase::create();
    let (services, account, _) = services_with_account(database.url()).await;
    let powerless = account.token("powerless", "notes:write").await;
    let direct = services.client().session(powerless.as_str()).unwrap();
    let direct = direct.get(format!("{}/notes", services.notes.base_url()));
    let refused = direct.send().await.unwrap_err();
    assert_eq!(refused.kind(), Some(ProblemKind::InsufficientScope), "{refused}");

    let env = [("DATABASE_URL", database.url()), ("NOTES_ADDR", "127.0.0.1:0")];
    let notes = ServiceProcess::start_role("service_account::a_notes_service_with_a_log", &env);
    let board = start_beside(&services, &notes, ("BOARD_TOKEN", &powerless));
    let session = ada(&services, &["notes:read"]).await;
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Internal), "{failed}");
    let line = board.wait_for_log("the account of this service");
    assert!(line.contains("The token lacks the scope notes:read."), "{line}");
    let (_, id) = line.split_once("(request ").unwrap();
    notes.wait_for_log(id.trim_end_matches(')'));
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again() {
    let database = TestDatabase::create();
    let (services, account, first) = services_with_account(database.url()).await;
    let file = NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("{first}\n")).unwrap();
    let board = start_with_file(&services, file.path());
    let session = ada(&services, &["notes:read"]).await;
    read(&board, &session).await.unwrap();

    services.client().session(first).unwrap().logout().await.unwrap();
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Internal), "{failed}");
    assert!(session.me().await.is_ok(), "ada's own token is still good");

    let second = account.token("board-2", "notes:read").await;
    std::fs::write(&file, second).unwrap();
    read(&board, &session).await.unwrap();
}

#[tokio::test]
async fn a_503_is_passed_on_with_the_time_to_wait() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let (services, _, token) = services_with_account(&postgres.url()).await;
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
    let (services, _, token) = services_with_account(database.url()).await;
    let board = start(&services, ("BOARD_TOKEN", &token));
    let session = ada(&services, &["notes:read"]).await;
    services.notes.terminate();
    let failed = read(&board, &session).await.unwrap_err();
    assert_eq!(failed.kind(), Some(ProblemKind::Unavailable), "{failed}");
    board.wait_for_log("no answer: ");
}

#[test]
fn the_service_account_example_needs_a_secret() {
    let refused = ServiceProcess::try_start(example("service_account"), &[]).unwrap_err();
    assert!(!refused.status.unwrap().success());
    assert!(refused.logs.contains("BOARD_TOKEN_FILE"), "{}", refused.logs);
}
