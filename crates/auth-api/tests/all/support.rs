use jeton_client::{
    AuthClient, ClientError, CreateTokenRequest, Credentials, ExposeSecret, IssuedToken, LoginRequest,
    ProblemKind, Session, SignUpRequest,
};
use jeton_domain::AuditContext;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{DatabaseResult, Pending, PgConnection};
use jeton_proof_support::{
    Endpoint, InProcess, RawRequest, RawResponse, ServiceProcess, TestDatabase, TestRole, execute, migrate,
};
use std::fmt::Debug;
use std::ops::Deref;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_jeton-auth-api");
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The service with a database of its own, to which it signs in as a role that may do what the service needs, and nothing
/// else. Stopped before both are dropped.
pub(crate) struct Auth<S = InProcess> {
    pub(crate) service: S,
    pub(crate) role: TestRole,
    pub(crate) database: TestDatabase,
}

impl Auth {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Where Ada has signed up.
    pub(crate) async fn with_ada() -> (Self, Session) {
        let auth = Self::start();
        let session = auth.sign_up("ada").await;
        (auth, session)
    }

    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::new(|url| start_service(url, settings))
    }
}

impl Auth<ServiceProcess> {
    /// As a process of its own, for what is a process' alone: its log, signals, the environment.
    pub(crate) fn start_process(settings: &[(&str, &str)]) -> Self {
        Self::new(|url| ServiceProcess::start(PROGRAM, &environment(url, settings)))
    }
}

impl<S: Deref<Target = Endpoint>> Auth<S> {
    fn new(start: impl FnOnce(&str) -> S) -> Self {
        let database = TestDatabase::create();
        let role = TestRole::create(&database, "IN ROLE jeton_verifier, jeton_auth");
        Self {
            service: start(role.url()),
            role,
            database,
        }
    }

    pub(crate) fn client(&self) -> AuthClient {
        client_of(&self.service)
    }

    pub(crate) async fn sign_up(&self, username: &str) -> Session {
        self.client().sign_up_session(&sign_up(username)).await.unwrap()
    }

    pub(crate) async fn sign_in(&self, username: &str) -> Session {
        self.client()
            .sign_in(Credentials::new(username, PASSWORD))
            .await
            .unwrap()
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Result<IssuedToken, ClientError> {
        self.client().login(&login(username, password)).await
    }

    /// A user with these scopes, signed in.
    pub(crate) async fn sign_up_with(&self, username: &str, scopes: &str) -> Session {
        let id = jeton_domain::UserId(self.sign_up(username).await.me().await.unwrap().user.id);
        let scopes = scopes.parse().unwrap();
        self.revoke(|connection| {
            jeton_persistence::users::set_scopes(connection, &AuditContext::cli(), id, &scopes)
        });
        self.sign_in(username).await
    }

    /// A session that has a token and nothing else: it cannot sign in again behind the test's back.
    pub(crate) fn only_token(&self, session: &Session) -> Session {
        self.client().session(session.token()).unwrap()
    }

    /// Does something in the operator's name, and waits until it holds everywhere.
    pub(crate) fn revoke<T>(&self, act: impl FnOnce(&mut PgConnection) -> DatabaseResult<Pending<T>>) -> T {
        let connection = &mut self.connect();
        let pending = act(connection).unwrap();
        jeton_revoker::confirm(connection, pending).unwrap()
    }

    pub(crate) fn send(&self, request: &RawRequest) -> RawResponse {
        request.send(self.service.address())
    }

    pub(crate) fn connect(&self) -> PgConnection {
        self.database.connect()
    }

    pub(crate) fn execute(&self, sql: &str) {
        execute(&mut self.connect(), sql);
    }
}

/// A client that tries once: the tests want to see every answer.
fn client_of(service: &Endpoint) -> AuthClient {
    // A busy machine takes its time: no test is about how long an answer may take.
    AuthClient::builder(&service.base_url())
        .max_retries(0)
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .unwrap()
}

/// The service with a Postgres of its own, which can be stopped, and a client of it.
pub(crate) fn on_own_postgres(settings: &[(&str, &str)]) -> (LocalPostgres, InProcess, AuthClient) {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let service = start_service(&postgres.url(), settings);
    let client = client_of(&service);
    (postgres, service, client)
}

/// One more service.
pub(crate) fn start_service(database_url: &str, settings: &[(&str, &str)]) -> InProcess {
    InProcess::start(jeton_auth_api::start, &environment(database_url, settings))
}

/// On a port that is free, with hashing at the least cost.
pub(crate) fn environment<'a>(
    database_url: &'a str,
    settings: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let own = [
        ("DATABASE_URL", database_url),
        ("JETON_AUTH_ADDR", "127.0.0.1:0"),
        ("JETON_BCRYPT_COST", "4"),
        ("JETON_DEFAULT_SCOPES", "notes:read notes:write"),
    ];
    [&own, settings].concat()
}

pub(crate) fn sign_up(username: &str) -> SignUpRequest {
    SignUpRequest {
        username: username.to_owned(),
        password: PASSWORD.into(),
        email: None,
    }
}

pub(crate) fn login(username: &str, password: &str) -> LoginRequest {
    LoginRequest {
        username: username.to_owned(),
        password: password.into(),
        name: None,
        scopes: None,
        expires_in: None,
    }
}

/// For a token that does not expire of itself.
pub(crate) fn token_request(name: &str, scopes: &[&str]) -> CreateTokenRequest {
    CreateTokenRequest {
        name: name.to_owned(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        expires_in: None,
    }
}

/// A session's `Authorization` header.
pub(crate) fn bearer(session: &Session) -> String {
    format!("Bearer {}", session.token().expose_secret())
}

/// The kind of problem that a call ended with.
pub(crate) fn kind<T: Debug>(result: Result<T, ClientError>) -> ProblemKind {
    result.unwrap_err().kind().expect("a problem of a known kind")
}

/// The fields that a call's problem names.
pub(crate) fn pointers<T: Debug>(result: Result<T, ClientError>) -> Vec<String> {
    let error = result.unwrap_err();
    let problem = error.problem().expect("a problem");
    assert_eq!(problem.kind(), Some(ProblemKind::Validation));
    problem.errors.iter().map(|field| field.pointer.clone()).collect()
}

pub(crate) fn json(method: &str, target: &str, body: &str) -> RawRequest {
    RawRequest::new(method, target)
        .header("Content-Type", "application/json")
        .body(body)
}

/// A sign-in from an address, as a proxy would pass it on.
pub(crate) fn attempt(username: &str, password: &str, address: &str) -> RawRequest {
    let body = serde_json::json!({ "username": username, "password": password });
    json("POST", "/v1/login", &body.to_string()).header("X-Forwarded-For", address)
}

/// What an answer says: all of it but the date, the request's id, and `Connection`, which depends on how much of an unread body had
/// arrived. Of headers with different names the order says nothing (RFC 9110 §5.3), and actix-web draws it at random.
pub(crate) fn comparable(response: &RawResponse) -> (u16, Vec<(String, String)>, String) {
    let mut headers = response.headers.clone();
    headers
        .retain(|(name, _)| !["date", "x-request-id", "connection"].contains(&name.to_lowercase().as_str()));
    headers.sort();
    (response.status, headers, response.text())
}
