//! What Prometheus is told, counted exactly.

use crate::support::{PROGRAM, client, only_token, sign_up, start_auth_with, start_notes_with};
use jeton_client::ExposeSecret;
use jeton_proof_support::{InProcess, NotStarted, RawRequest, ServiceProcess, TestDatabase};

fn scrape(service: &InProcess) -> String {
    let answer = RawRequest::new("GET", "/metrics").send(service.metrics_address());
    assert_eq!(answer.status, 200);
    let media_type = answer.header("Content-Type").unwrap();
    assert!(
        media_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{media_type}"
    );
    assert!(answer.text().ends_with("# EOF\n"));
    answer.text()
}

/// The sum of all samples of this name that have these labels.
fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let samples = text.lines().filter_map(|line| {
        let (sample, value) = line.rsplit_once(' ')?;
        let (found, rest) = sample.split_once('{').unwrap_or((sample, ""));
        let all = labels.iter().all(|label| rest.contains(label));
        (found == name && all).then(|| value.parse::<f64>().unwrap())
    });
    let samples: Vec<f64> = samples.collect();
    assert!(!samples.is_empty(), "no {name} {labels:?} in:\n{text}");
    samples.iter().sum()
}

struct Measured {
    auth: InProcess,
    notes: InProcess,
    database: TestDatabase,
}

impl Measured {
    fn start() -> Self {
        let database = TestDatabase::create();
        // While a lease is renewed, what is looked up may not be kept: not in the time of a test.
        let port = [("JETON_METRICS_ADDR", "127.0.0.1:0"), ("JETON_LEASE_TTL", "60s")];
        Self {
            auth: start_auth_with(database.url(), &port),
            notes: start_notes_with(database.url(), &port),
            database,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_checks_are_counted() {
    let stack = Measured::start();
    let session = client(&stack.auth.base_url())
        .sign_up_session(&sign_up("ada"))
        .await
        .unwrap();
    let header = format!("Bearer {}", session.token().expose_secret());
    let stranger = jeton_domain::PlainToken::generate(&mut rand::rng());
    let stranger = format!("Bearer {}", stranger.expose_secret());
    let get = |path: &str, authorization: Option<&str>| {
        let request = RawRequest::new("GET", path);
        let request = authorization
            .iter()
            .fold(request, |request, value| request.header("Authorization", value));
        request.send(stack.notes.address()).status
    };
    for _ in 0..7 {
        assert_eq!(get("/whoami", Some(&header)), 200);
    }
    for _ in 0..3 {
        assert_eq!(get("/whoami", Some(&stranger)), 401);
    }
    assert_eq!(get("/whoami", Some("Bearer jtn_mistyped")), 401);
    assert_eq!(get("/whoami", None), 401);
    let note = uuid::Uuid::now_v7();
    assert_eq!(get(&format!("/notes/{note}"), Some(&header)), 404);
    for path in ["/nowhere", "/nowhere/else", "/notes/1/2"] {
        assert_eq!(get(path, None), 404);
    }
    let made_up = RawRequest::new("BREW", "/notes").send(stack.notes.address());
    assert_eq!(made_up.status, 405);

    let text = scrape(&stack.notes);
    let requests = |labels: &[&str]| sum(&text, "jeton_http_requests_total", labels);
    assert_eq!(
        requests(&["method=\"GET\"", "route=\"/whoami\"", "status=\"200\""]),
        7.0
    );
    assert_eq!(
        requests(&["method=\"GET\"", "route=\"/whoami\"", "status=\"401\""]),
        5.0
    );
    assert_eq!(requests(&["route=\"/notes/{id}\"", "status=\"404\""]), 1.0);
    assert_eq!(requests(&["route=\"-\"", "status=\"404\""]), 3.0);
    assert_eq!(
        requests(&["method=\"other\"", "route=\"/notes\"", "status=\"405\""]),
        1.0
    );
    assert_eq!(requests(&[]), 17.0);
    let durations = |labels: &[&str]| sum(&text, "jeton_http_request_duration_seconds_count", labels);
    assert_eq!(durations(&["route=\"/whoami\""]), 12.0);
    let all = sum(
        &text,
        "jeton_http_request_duration_seconds_bucket",
        &["route=\"/whoami\"", "le=\"+Inf\""],
    );
    assert_eq!(all, 12.0);
    assert_eq!(sum(&text, "jeton_http_requests_in_flight", &[]), 0.0);

    let checks = |outcome: &str, from: &str| {
        let labels = [format!("outcome=\"{outcome}\""), format!("from=\"{from}\"")];
        sum(&text, "jeton_token_checks_total", &[&labels[0], &labels[1]])
    };
    assert_eq!(checks("valid", "database"), 1.0);
    assert_eq!(checks("valid", "memory"), 7.0);
    assert_eq!(checks("invalid", "database"), 3.0);
    assert_eq!(checks("malformed", "nobody"), 1.0);
    assert_eq!(checks("unavailable", "database"), 0.0);
    assert!(sum(&text, "jeton_lease_left_seconds", &[]) > 0.0);
    assert_eq!(sum(&text, "jeton_remembered_tokens", &[]), 1.0);
    assert!(sum(&text, "jeton_database_connections", &["state=\"idle\""]) >= 1.0);
    let build = sum(
        &text,
        "jeton_build_info",
        &["program=\"jeton-resource-api\"", "version=\""],
    );
    assert_eq!(build, 1.0);
    for secret in [
        session.token().expose_secret(),
        stranger.as_str(),
        "nowhere",
        "ada",
        &note.to_string(),
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    drop((stack.auth, stack.notes));
    drop(stack.database);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auth_service_counts_revocations_and_hashes_as_well() {
    let stack = Measured::start();
    let client = client(&stack.auth.base_url());
    let session = client.sign_up_session(&sign_up("ada")).await.unwrap();
    only_token(&session).logout().await.unwrap();
    let text = scrape(&stack.auth);
    assert_eq!(sum(&text, "jeton_revocation_wait_seconds_count", &[]), 1.0);
    assert_eq!(sum(&text, "jeton_revocations_unconfirmed_total", &[]), 0.0);
    assert!(sum(&text, "jeton_hashing_threads", &[]) >= 1.0);
    assert_eq!(sum(&text, "jeton_hashing_in_use", &[]), 0.0);
    assert_eq!(sum(&text, "jeton_hashing_waiting", &[]), 0.0);
    assert_eq!(sum(&text, "jeton_hashing_refused_total", &[]), 0.0);
    let requests = |labels: &[&str]| sum(&text, "jeton_http_requests_total", labels);
    assert_eq!(
        requests(&["method=\"POST\"", "route=\"/v1/users\"", "status=\"201\""]),
        1.0
    );
    assert_eq!(
        requests(&["method=\"POST\"", "route=\"/v1/logout\"", "status=\"204\""]),
        1.0
    );
    drop((stack.auth, stack.notes));
    drop(stack.database);
}

#[test]
fn a_taken_port_is_one_line_and_off_takes_none() {
    let stack = Measured::start();
    let taken = stack.auth.metrics_address();
    let env = |metrics| {
        [
            ("DATABASE_URL", stack.database.url()),
            ("JETON_RESOURCE_ADDR", "127.0.0.1:0"),
            ("JETON_METRICS_ADDR", metrics),
        ]
    };
    let NotStarted { logs, .. } = ServiceProcess::try_start(PROGRAM, &env(&taken)).unwrap_err();
    let errors: Vec<&str> = logs.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{logs}");
    assert!(
        errors[0].contains(&taken) && errors[0].contains("JETON_METRICS_ADDR"),
        "{logs}"
    );
    let quiet = ServiceProcess::start(PROGRAM, &env("off"));
    assert!(!quiet.logs().contains("metrics on"));
}

/// The dashboard and the alerts ask for what there is.
#[test]
fn what_is_asked_for_is_told() {
    let stack = Measured::start();
    let _ = RawRequest::new("GET", "/livez").send(stack.auth.address());
    let told = [scrape(&stack.auth), scrape(&stack.notes)].concat();
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let mut asked = 0;
    for file in ["grafana/jeton.json", "prometheus/alerts.yml"] {
        let text = std::fs::read_to_string(format!("{docs}/{file}")).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for name in words.filter(|word| word.starts_with("jeton_")) {
            let found = told.lines().any(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['{', ' ']))
            });
            assert!(found, "{file} asks for {name}:\n{told}");
            asked += 1;
        }
    }
    assert!(asked > 20);
}
