use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::{Path, Query, ServiceConfig, post, resource};
use actix_web::{Error, HttpResponse};
use jeton_api_types::{Problem, ProblemKind, ProblemResponse};
use jeton_domain::{
    AuditContext, ExposeSecret, NewToken, NewUser, ScopeSet, TokenId, TokenLifetime, TokenName, UserId,
    Username,
};
use jeton_http_kit::{
    DatabaseSettings, Form, HttpArgs, JsonOrForm, LogSettings, Metrics, Page, Running, Service, VerifierArgs,
    field_names, get_or_head, method_not_allowed, serve, taking, try_parse_from,
};
use jeton_persistence::{Database, PgConnection, PoolSettings, tokens, users};
use jeton_proof_support::{InProcess, RawResponse, ServiceProcess, is_role};
use jeton_verifier::Verifier;
use jeton_verifier::actix::Guard;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::Deserialize;
use std::net::SocketAddr;
use std::process::ExitCode;
use uuid::Uuid;

/// The setting for the address of [the service](start).
pub(crate) const ADDRESS: &str = "KIT_ADDR";

/// More than any socket buffers.
pub(crate) const LARGE: usize = 50_000_000;

#[derive(Debug, clap::Parser)]
pub(crate) struct Settings {
    /// Where to listen
    #[arg(long, env = ADDRESS, default_value = "127.0.0.1:0")]
    address: SocketAddr,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    verifier: VerifierArgs,
    #[command(flatten)]
    log: LogSettings,
}

/// A service without a database, unless one is named; then `/whoami` checks tokens.
async fn start(settings: Settings) -> anyhow::Result<Running> {
    let url = settings.database.database_url().ok();
    let verifier = match &url {
        Some(url) => Some(Verifier::connect(settings.verifier.settings(url.clone())).await?),
        None => None,
    };
    let guard = verifier.clone().map(Guard::new);
    let service = Service {
        address: (settings.address, ADDRESS),
        metrics: Metrics::new("kit", "1.0"),
        http: settings.http,
        database: url.map(|url| Database::new(url, PoolSettings::default())),
        verifier,
        without_cors: &[],
    };
    serve(service, move |config| routes(config, guard.clone()))
}

fn routes(config: &mut ServiceConfig, guard: Option<Guard>) {
    let get = |path| resource(path).default_service(method_not_allowed("GET, HEAD"));
    let page = field_names::<Page>().unwrap();
    config
        .service(get("/public").route(get_or_head().to(async || "Anybody may read this.")))
        .service(get("/large").route(get_or_head().to(async || "x".repeat(LARGE))))
        .service(get("/held/{by}").route(get_or_head().to(held)))
        .service(get("/refused").route(get_or_head().wrap(from_fn(refuse))))
        .service(get("/page").route(taking(page, get_or_head().to(async |_: Query<Page>| "A page."))))
        .service(get("/panic").route(get_or_head().to(panic_once_more)))
        .service(
            resource("/items/{id}")
                .route(get_or_head().to(async || {
                    Err::<HttpResponse, _>(ProblemResponse::new(ProblemKind::NotFound, "None is."))
                }))
                .default_service(method_not_allowed("GET, HEAD")),
        )
        .service(
            resource("/oauth")
                .route(post().to(async |_: Form<Login>| HttpResponse::NoContent()))
                .default_service(method_not_allowed("POST")),
        )
        .service(
            resource("/login")
                .route(post().to(async |_: JsonOrForm<Login>| HttpResponse::NoContent()))
                .default_service(method_not_allowed("POST")),
        );
    if let Some(guard) = guard {
        config.service(get("/whoami").route(get_or_head().to(async || "Somebody.").wrap(guard)));
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read is of interest")]
struct Login {
    username: String,
    password: String,
}

/// As a defect does.
async fn panic_once_more() -> &'static str {
    panic!("a defect")
}

/// Connects to whoever is to hold it, and is answered when that connection ends.
async fn held(by: Path<SocketAddr>) -> std::io::Result<&'static str> {
    TcpStream::connect(*by).await?.readable().await?;
    Ok("let go")
}

/// As a middleware that refuses by an error, out of reach of whatever stands around it.
async fn refuse(_: ServiceRequest, _: Next<impl MessageBody>) -> Result<ServiceResponse, Error> {
    Err(ProblemResponse::invalid_token().into())
}

/// The service on threads of the test.
pub(crate) fn in_process(env: &[(&str, &str)]) -> InProcess {
    InProcess::start(start, env)
}

/// Tries to start it.
pub(crate) fn try_in_process(env: &[(&str, &str)]) -> anyhow::Result<InProcess> {
    InProcess::try_start(start, env)
}

/// The service as a process: for its log, and for signals.
pub(crate) fn process(env: &[(&str, &str)]) -> ServiceProcess {
    ServiceProcess::start_role("support::this_is_the_process", env)
}

/// How many files [the process](process) may have open.
pub(crate) const DESCRIPTORS: &str = "KIT_DESCRIPTORS";

#[test]
fn this_is_the_process() {
    if !is_role() {
        return;
    }
    if let Ok(most) = std::env::var(DESCRIPTORS) {
        let most = Some(most.parse().unwrap());
        let limit = Rlimit {
            current: most,
            maximum: most,
        };
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    let settings: Settings = try_parse_from(["kit".into()]).unwrap();
    let log = settings.log.clone();
    let ended = jeton_http_kit::run(&log, async { start(settings).await?.serve().await });
    std::process::exit(i32::from(ended != ExitCode::SUCCESS))
}

/// A token of a new user.
pub(crate) fn issue(connection: &mut PgConnection, username: &str) -> (UserId, TokenId, String) {
    let user = NewUser {
        service: true,
        id: UserId(Uuid::now_v7()),
        username: Username::parse(username).unwrap(),
        email: None,
        password_hash: None,
        scopes: ScopeSet::default(),
    };
    users::create(connection, &AuditContext::cli(), &user).unwrap();
    let (id, name) = (TokenId(Uuid::now_v7()), TokenName::parse("a test's").unwrap());
    let (rng, never) = (&mut rand::rng(), TokenLifetime::NEVER);
    let (text, token) = NewToken::personal(rng, id, name, ScopeSet::default(), never, 1000);
    let issue = tokens::issue_by_operator(connection, &AuditContext::cli(), user.id, &token).unwrap();
    assert!(issue.into_unconfirmed().0.token().is_some());
    (user.id, token.id, text.expose_secret().to_owned())
}

/// The status of an answer, and the kind of problem that it is.
pub(crate) fn problem(response: &RawResponse) -> (u16, String) {
    let problem: Problem = serde_json::from_slice(&response.body).unwrap();
    let slug = problem.type_.strip_prefix("urn:jeton:problem:").unwrap();
    (response.status, slug.to_owned())
}
