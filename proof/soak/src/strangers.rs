//! Who has no account: probes, Prometheus, guesses, and requests that nobody should send.

use crate::judge::{Judged, Lost, Right};
use crate::operator::secret;
use crate::services::{Kind, Service};
use crate::world::World;
use jeton_client::{LoginRequest, Problem, ProblemKind, Session};
use jeton_proof_support::{RawRequest, RawResponse, try_raw};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a stranger rests between two acts.
const REST: Duration = Duration::from_millis(10);
/// How many sign-ins to an account may fail at once: a quarter of what JETON_ACCOUNT_FAILURES is unless set.
const FREE_GUESSES: u32 = 25;
/// The act that is rare, of so many.
const GUESS: u32 = 99;
/// Has the shape of a token, and a wrong checksum.
const MISTYPED: &[u8] = b"Bearer jtn_00000000000000000000000000000000000000";

/// What no token and no database is needed for, so that the answer is the same with Postgres away.
type Malformed = (Kind, RawRequest, u16, &'static str);

/// Until the run ends.
pub(crate) async fn pass_by(world: Rc<World>, seed: u64) {
    let _busy = world.begin();
    let mut rng = StdRng::seed_from_u64(seed);
    let malformed = malformed();
    // A short run is to have this, too.
    let mut first = Some(GUESS);
    while world.goes_on().await {
        let result = match first.take().unwrap_or_else(|| rng.random_range(0..=GUESS)) {
            0..60 => send(&world, &malformed[rng.random_range(0..malformed.len())]).await,
            60..80 => probe(&world, &mut rng).await,
            80..90 => hang_up(&world).await,
            90..99 => read_metrics(&world, &mut rng).await,
            _ => guess(&world).await,
        };
        // Wrong, and in the book: there is nothing that a stranger would have to know of it.
        if let Err(Lost) = result {}
        tokio::time::sleep(REST).await;
    }
}

fn malformed() -> Vec<Malformed> {
    use Kind::{Auth, Resource};
    let get = |path| RawRequest::new("GET", path);
    let as_said = |path, authorization: &[u8]| get(path).header("Authorization", authorization);
    let mistyped = |path| as_said(path, MISTYPED);
    let twice = |path| mistyped(path).header("Authorization", MISTYPED);
    let json = |path, body: &str| {
        let request = RawRequest::new("POST", path).header("Content-Type", "application/json");
        request.body(body.to_owned())
    };
    let nobody = r#"{"username": "a", "password": 1}"#;
    let large = format!("\"{}\"", "x".repeat(140_000));
    vec![
        (Auth, get("/v1/me"), 401, "missing-token"),
        (Resource, get("/notes"), 401, "missing-token"),
        (Auth, mistyped("/v1/me"), 401, "invalid-token"),
        (Resource, mistyped("/whoami"), 401, "invalid-token"),
        (Resource, as_said("/notes", b"Bearer"), 401, "invalid-token"),
        (Resource, as_said("/notes", &[0xc3; 500]), 401, "missing-token"),
        (Auth, as_said("/v1/me", b"Basic YWRhOnB3"), 401, "missing-token"),
        (Auth, twice("/v1/me"), 400, "bad-request"),
        (Resource, twice("/notes"), 400, "bad-request"),
        (Auth, json("/v1/login", "{ no json"), 400, "malformed-body"),
        (Auth, json("/v1/login", nobody), 422, "validation"),
        (Auth, json("/v1/users", r#"{"username": "x"}"#), 422, "validation"),
        (Auth, json("/v1/login", &large), 413, "body-too-large"),
        (
            Auth,
            RawRequest::new("POST", "/v1/login").body("x"),
            415,
            "unsupported-media-type",
        ),
        (Auth, get("/v1/login"), 405, "method-not-allowed"),
        (
            Resource,
            RawRequest::new("PATCH", "/public"),
            405,
            "method-not-allowed",
        ),
        (Auth, get("/v1/nothing"), 404, "not-found"),
        (Resource, get("/%00"), 404, "not-found"),
    ]
}

async fn send(world: &World, (kind, request, status, slug): &Malformed) -> Judged<()> {
    let service = world.pick(*kind);
    let answer = raw(world, "malformed", service, request.clone()).await?;
    let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
    let right = answer.status == *status
        && answer.header("Content-Type") == Some("application/problem+json")
        && problem.and_then(|problem| problem.kind()).map(ProblemKind::slug) == Some(slug);
    world.check(right, || {
        let first = String::from_utf8_lossy(&request.to_bytes())
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        format!(
            "{first} at {}: {} {}, and right is {status} {slug}",
            service.name,
            answer.status,
            answer.text()
        )
    })
}

/// One request on a connection of its own.
async fn raw(
    world: &World,
    name: &'static str,
    service: &Service,
    request: RawRequest,
) -> Judged<RawResponse> {
    let (began, address) = (Instant::now(), service.process.address().to_owned());
    let request = request.header("Connection", "close");
    let sent = tokio::task::spawn_blocking(move || try_raw(address, &request.to_bytes())).await;
    let outcome = |status: u16| format!("{status}");
    match sent {
        Ok(Ok(answer)) => {
            world
                .book
                .note(name, &service.name, outcome(answer.status), began.elapsed());
            Ok(answer)
        }
        Ok(Err(error)) => Err(world.wrong(&format!("{name} at {}: no answer: {error}", service.name))),
        Err(error) => Err(world.wrong(&format!("{name} at {}: {error}", service.name))),
    }
}

/// What an orchestrator asks, and what anybody may.
async fn probe(world: &World, rng: &mut StdRng) -> Judged<()> {
    let service = &world.services[rng.random_range(0..world.services.len())];
    let open = match service.kind {
        Kind::Auth => "/openapi.json",
        Kind::Resource => "/public",
    };
    let path = ["/livez", open][rng.random_range(0..2)];
    let answer = raw(world, "livez and open", service, RawRequest::new("GET", path)).await?;
    world.check(answer.status == 200, || {
        format!("{path} at {}: {}", service.name, answer.status)
    })?;
    // Alone of these it asks the database.
    ready(world, service).await.map(drop)
}

/// Whether the service says that it can do its work.
pub(crate) async fn ready(world: &World, service: &Service) -> Judged<bool> {
    let url = service.url("/readyz");
    // The token goes along, and nobody looks at it.
    let ask = async |session: Session| session.get(url).send().await.map(drop);
    let answer = world
        .ask_with("readyz", service, "none", Right::DONE, ask)
        .await?;
    Ok(answer.done().is_some())
}

/// A client that goes away in the middle of its request.
async fn hang_up(world: &World) -> Judged<()> {
    use tokio::io::AsyncWriteExt;
    let service = world.pick(Kind::Auth);
    let sent = async {
        let mut stream = tokio::net::TcpStream::connect(service.process.address()).await?;
        let half = b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{";
        stream.write_all(half).await
    };
    let sent = sent.await;
    world.check(sent.is_ok(), || {
        format!("half a request to {}: {sent:?}", service.name)
    })
}

async fn read_metrics(world: &World, rng: &mut StdRng) -> Judged<()> {
    let service = &world.services[rng.random_range(0..world.services.len())];
    let (address, began) = (service.metrics.clone(), Instant::now());
    let request = RawRequest::new("GET", "/metrics").header("Connection", "close");
    let sent = tokio::task::spawn_blocking(move || try_raw(address, &request.to_bytes())).await;
    let status = sent.ok().and_then(Result::ok).map(|answer| answer.status);
    world.book.note(
        "metrics",
        &service.name,
        format!("{}", status.unwrap_or(0)),
        began.elapsed(),
    );
    world.check(status == Some(200), || {
        format!("metrics of {}: {status:?}", service.name)
    })
}

/// Somebody tries passwords of a name that is nobody's, at both instances, until that is too much.
async fn guess(world: &World) -> Judged<()> {
    let began = Instant::now();
    world.strange_names.set(world.strange_names.get() + 1);
    let name = secret();
    for number in 0..=FREE_GUESSES {
        // With Postgres away, attempts may be counted and not answered; and a crash may take counts along.
        if world.outages.touch(began, Instant::now()) {
            return Ok(());
        }
        let right = Right::refused(match number {
            FREE_GUESSES => &[ProblemKind::TooManyAttempts],
            _ => &[ProblemKind::InvalidCredentials],
        });
        let request = LoginRequest {
            username: name.clone(),
            password: secret().into(),
            name: None,
            scopes: None,
            expires_in: None,
        };
        let service = world.pick(Kind::Auth);
        let client = service.client();
        let outages = world.outages.all().len();
        let answer = world.ask("guess", service, right, client.login(&request)).await;
        if world.outages.all().len() > outages {
            return Ok(());
        }
        let _ = answer?;
    }
    Ok(())
}
