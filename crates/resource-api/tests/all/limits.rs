//! Clients that are slow, silent, many or huge.

use crate::support::{PROGRAM, Stack, client, notes_process, sign_up, start_auth, start_notes_with};
use diesel::connection::SimpleConnection;
use jeton_client::ExposeSecret;
use jeton_persistence::{ConnectionLimits, DatabaseUrl, establish};
use jeton_proof_support::{Endpoint, RawRequest, ServiceProcess, TestDatabase};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Little enough to be waited for, and enough for what is in time, on a machine that has much to do.
const SHORT: [(&str, &str); 2] = [("JETON_CLIENT_TIMEOUT", "2s"), ("JETON_KEEP_ALIVE", "1s")];
/// So much that what ends by itself ends for another reason.
const LONG: [(&str, &str); 2] = [("JETON_CLIENT_TIMEOUT", "1h"), ("JETON_KEEP_ALIVE", "1h")];

/// A connection that does as it pleases.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(service: &Endpoint) -> Self {
        let stream = TcpStream::connect(service.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends a whole request, and reads its answer, which must be small.
    pub(crate) fn get(&mut self, path: &str) -> u16 {
        self.send(&RawRequest::new("GET", path).to_bytes());
        self.status()
    }

    fn status(&mut self) -> u16 {
        let mut answer = Vec::new();
        let complete = |answer: &[u8]| {
            let text = String::from_utf8_lossy(answer).to_lowercase();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head.split("content-length: ").nth(1)?.lines().next()?;
            (body.len() == length.parse::<usize>().ok()?).then(|| head[9..12].parse().unwrap())
        };
        loop {
            let mut buffer = [0; 4096];
            let read = self.0.read(&mut buffer).unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
            if let Some(status) = complete(&answer) {
                return status;
            }
        }
    }

    /// Sends a byte now and then, until the server hangs up; returns what it said.
    fn dribble(mut self) -> String {
        self.0.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut answer = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "the server lets it go on");
            // What is sent after the server has hung up is answered by a reset, in time.
            let _ = self.0.write_all(b"a");
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads to the end, which must come; returns how many bytes there were.
    pub(crate) fn wait_until_closed(&mut self) -> usize {
        let mut total = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return total,
                Ok(read) => total += read,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return total,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn the_head_of_a_request_has_a_time() {
    let database = TestDatabase::create();
    let notes = start_notes_with(database.url(), &SHORT);
    let mut first = Client::connect(&notes);
    first.send(b"GET /pub");
    assert!(first.dribble().starts_with("HTTP/1.1 408 "));
    // The second on a connection as well, and one whose first byte came along with the first.
    let mut second = Client::connect(&notes);
    assert_eq!(second.get("/public"), 200);
    second.send(b"GET /");
    assert_eq!(second.dribble(), "");
    let mut pipelined = Client::connect(&notes);
    let request = RawRequest::new("GET", "/public").to_bytes();
    pipelined.send(&[request.as_slice(), b"G"].concat());
    assert_eq!(pipelined.status(), 200);
    pipelined.wait_until_closed();
    let mut silent = Client::connect(&notes);
    silent.wait_until_closed();
    assert_eq!(RawRequest::new("GET", "/livez").send(notes.address()).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_a_time() {
    let database = TestDatabase::create();
    let auth = start_auth(database.url());
    let notes = start_notes_with(database.url(), &SHORT);
    let session = client(&auth.base_url())
        .sign_up_session(&sign_up("ada"))
        .await
        .unwrap();
    let header = format!("Bearer {}", session.token().expose_secret());
    let head = RawRequest::new("POST", "/notes")
        .header("Authorization", header)
        .header("Content-Type", "application/json")
        .header("Content-Length", "100000")
        .to_bytes();
    let mut slow = Client::connect(&notes);
    slow.send(&head);
    let answer = slow.dribble();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:jeton:problem:request-timeout"), "{answer}");
    // One that nobody reads, since the token is missing.
    let mut unread = Client::connect(&notes);
    unread.send(b"POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    let answer = unread.dribble();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    drop((auth, notes));
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_an_answer_is_cut_off() {
    let database = TestDatabase::create();
    let auth = start_auth(database.url());
    let settings = [&SHORT[..], &[("JETON_LOG", "info,jeton_http_kit=debug")]].concat();
    let notes = notes_process(database.url(), &settings);
    let session = client(&auth.base_url())
        .sign_up_session(&sign_up("ada"))
        .await
        .unwrap();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    // More than any socket buffers.
    establish(&url, ConnectionLimits::NONE)
        .unwrap()
        .batch_execute(
            "INSERT INTO notes (id, user_id, title, body) \
                SELECT gen_random_uuid(), id, 'x', repeat('\"', 250000) FROM users, generate_series(1, 100)",
        )
        .unwrap();
    let header = format!("Bearer {}", session.token().expose_secret());
    let request = RawRequest::new("GET", "/notes?limit=100").header("Authorization", header);
    let mut deaf = Client::connect(&notes);
    deaf.send(&request.to_bytes());
    notes.wait_for_log("cut a connection");
    let got = deaf.wait_until_closed();
    assert!(got < 50_000_000, "{got}");
    // Who reads gets all of it.
    let whole = request.send(notes.address());
    assert_eq!(whole.status, 200);
    assert!(whole.body.len() > 50_000_000);
    drop((auth, notes));
    drop(database);
}

#[test]
fn connections_beyond_the_most_wait() {
    let database = TestDatabase::create();
    let settings = [&LONG[..], &[("JETON_MAX_CONNECTIONS", "1")]].concat();
    let notes = start_notes_with(database.url(), &settings);
    let mut first = Client::connect(&notes);
    assert_eq!(first.get("/public"), 200);
    let mut second = Client::connect(&notes);
    second.send(&RawRequest::new("GET", "/public").to_bytes());
    second
        .0
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let early = second.0.read(&mut [0; 1]).map_err(|error| error.kind());
    assert!(
        matches!(early, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{early:?}"
    );
    assert_eq!(first.get("/public"), 200);
    drop(first);
    second.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(second.status(), 200);
}

/// Whoever has changed nothing is not warned of anything.
#[test]
fn there_are_no_more_connections_than_file_descriptors() {
    let database = TestDatabase::create();
    let env = [
        ("PROGRAM", PROGRAM),
        ("DATABASE_URL", database.url()),
        ("JETON_RESOURCE_ADDR", "127.0.0.1:0"),
    ];
    let few = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/few-descriptors.sh");
    let notes = ServiceProcess::start(few, &env);
    notes.wait_for_log("serving 50 connections at a time");
    assert_eq!(Client::connect(&notes).get("/public"), 200);
    assert!(!notes.logs().contains("WARN"), "{}", notes.logs());
}

#[test]
fn heads_have_a_size() {
    let stack = Stack::start();
    for service in [&stack.auth, &stack.notes] {
        let huge = RawRequest::new("GET", "/livez").header("X-Huge", "a".repeat(200_000));
        if let Ok(answer) = jeton_proof_support::try_raw(service.address(), &huge.to_bytes()) {
            assert!([400, 431].contains(&answer.status), "{answer:?}");
        }
        let many = (0..200).fold(RawRequest::new("GET", "/livez"), |request, i| {
            request.header(&format!("X-{i}"), "x")
        });
        if let Ok(answer) = jeton_proof_support::try_raw(service.address(), &many.to_bytes()) {
            assert!([400, 431].contains(&answer.status), "{answer:?}");
        }
        assert_eq!(
            RawRequest::new("GET", "/livez").send(service.address()).status,
            200
        );
    }
}

#[test]
fn settings_that_cannot_be_are_named() {
    for (name, value) in [
        ("JETON_CLIENT_TIMEOUT", "soon"),
        ("JETON_CLIENT_TIMEOUT", "0"),
        ("JETON_KEEP_ALIVE", "2h"),
        ("JETON_MAX_CONNECTIONS", "0"),
        ("JETON_CACHE_TOKENS", "100000001"),
        ("JETON_SHUTDOWN_GRACE", "-1"),
        ("JETON_SHUTDOWN_TIMEOUT", "10ms"),
        ("JETON_CORS_ORIGINS", "app.example.org"),
        ("JETON_METRICS_ADDR", "9090"),
    ] {
        let env = [("DATABASE_URL", "postgres://127.0.0.1/x"), (name, value)];
        let refused = ServiceProcess::try_start(PROGRAM, &env).unwrap_err();
        let errors: Vec<&str> = refused
            .logs
            .lines()
            .filter(|line| line.starts_with("error:"))
            .collect();
        assert_eq!(errors.len(), 1, "{}", refused.logs);
        assert!(errors[0].contains(name), "{name}: {}", errors[0]);
    }
}
