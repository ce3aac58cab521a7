use jeton_client::{AuthClient, ClientError, ProblemKind, Session, SignUpRequest};
use jeton_persistence::PgConnection;
use jeton_proof_support::{InProcess, ServiceProcess, TestDatabase, TestRole};
use jeton_resource_api::{DatabaseUrl, migrate};
use serde::Deserialize;
use std::fmt::Debug;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_jeton-resource-api");
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Both services on one database, the notes' as a role that may do what it does and no more. They are stopped before the
/// role and the database are dropped.
pub(crate) struct Stack {
    pub(crate) auth: InProcess,
    pub(crate) notes: InProcess,
    _role: TestRole,
    pub(crate) database: TestDatabase,
}

impl Stack {
    pub(crate) fn start() -> Self {
        let (database, _) = database();
        let role = TestRole::create(&database, "IN ROLE jeton_verifier, jeton_notes");
        Self {
            auth: start_auth(database.url()),
            notes: serve_notes(role.url(), &[]),
            _role: role,
            database,
        }
    }

    pub(crate) fn client(&self) -> AuthClient {
        client(&self.auth.base_url())
    }

    pub(crate) async fn sign_up(&self, username: &str) -> Session {
        self.client().sign_up_session(&sign_up(username)).await.unwrap()
    }

    /// The address of a path of the notes service.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.notes.base_url())
    }
}

/// A database with the tables of both services, and a connection to it.
pub(crate) fn database() -> (TestDatabase, PgConnection) {
    let (database, connection) = jeton_proof_support::database();
    migrate_notes(database.url());
    (database, connection)
}

/// As the owner of a migrated database.
pub(crate) fn migrate_notes(database_url: &str) {
    migrate(&DatabaseUrl::parse(database_url).unwrap(), None).unwrap();
}

pub(crate) fn start_auth(database_url: &str) -> InProcess {
    start_auth_with(database_url, &[])
}

pub(crate) fn start_auth_with(database_url: &str, settings: &[(&str, &str)]) -> InProcess {
    let own = [
        ("DATABASE_URL", database_url),
        ("JETON_AUTH_ADDR", "127.0.0.1:0"),
        ("JETON_BCRYPT_COST", "4"),
        ("JETON_DEFAULT_SCOPES", "notes:read notes:write"),
    ];
    InProcess::start(jeton_auth_api::start, &[&own, settings].concat())
}

pub(crate) fn start_notes(database_url: &str) -> InProcess {
    start_notes_with(database_url, &[])
}

/// With its own tables.
pub(crate) fn start_notes_with(database_url: &str, settings: &[(&str, &str)]) -> InProcess {
    migrate_notes(database_url);
    serve_notes(database_url, settings)
}

pub(crate) fn serve_notes(database_url: &str, settings: &[(&str, &str)]) -> InProcess {
    InProcess::start(jeton_resource_api::start, &environment(database_url, settings))
}

/// As a process of its own.
pub(crate) fn notes_process(database_url: &str) -> ServiceProcess {
    migrate_notes(database_url);
    ServiceProcess::start(PROGRAM, &environment(database_url, &[]))
}

fn environment<'a>(database_url: &'a str, settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [("DATABASE_URL", database_url), ("NOTES_ADDR", "127.0.0.1:0")];
    [&own, settings].concat()
}

/// A client that tries once: the tests want to see every answer.
pub(crate) fn client(base_url: &str) -> AuthClient {
    AuthClient::builder(base_url).max_retries(0).build().unwrap()
}

pub(crate) fn sign_up(username: &str) -> SignUpRequest {
    SignUpRequest {
        username: username.to_owned(),
        password: PASSWORD.into(),
        email: None,
    }
}

/// A session that has a token and nothing else: it cannot sign in again behind the test's back.
pub(crate) fn only_token(session: &Session) -> Session {
    session.client().session(session.token()).unwrap()
}

pub(crate) fn kind<T: Debug>(result: Result<T, ClientError>) -> ProblemKind {
    result.unwrap_err().kind().expect("a problem of a known kind")
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NoteList {
    pub(crate) notes: Vec<Note>,
    pub(crate) next: Option<String>,
}
