//! What Prometheus is told of what this service alone does.

use crate::support::Auth;
use jeton_proof_support::{RawRequest, execute, wait_until};

fn scrape(auth: &Auth) -> String {
    RawRequest::new("GET", "/metrics")
        .send(auth.service.metrics_address())
        .text()
}

fn start() -> Auth {
    Auth::start_with(&[("JETON_METRICS_ADDR", "127.0.0.1:0")])
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_and_hashes_are_counted() {
    let auth = start();
    let session = auth.sign_up("ada").await;
    auth.only_token(&session).logout().await.unwrap();
    let text = scrape(&auth);
    for line in [
        "jeton_revocation_wait_seconds_count 1",
        "jeton_revocations_unconfirmed_total 0",
        "jeton_hashing_in_use 0.0",
        "jeton_hashing_waiting 0.0",
        "jeton_hashing_refused_total 0",
        "jeton_http_requests_total{method=\"POST\",route=\"/v1/users\",status=\"201\"} 1",
        "jeton_http_requests_total{method=\"POST\",route=\"/v1/logout\",status=\"204\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}:\n{text}");
    }
    let threads = text
        .lines()
        .find_map(|line| line.strip_prefix("jeton_hashing_threads "));
    assert!(threads.unwrap().parse::<f64>().unwrap() >= 1.0);
}

/// The service's own verifier, which renews; and one that has died, for as long as it is on the list.
#[tokio::test(flavor = "multi_thread")]
async fn verifiers_are_watched() {
    let auth = start();
    let told = |line: &str| scrape(&auth).lines().any(|told| told == line);
    wait_until("the first look", || told("jeton_verifiers 1.0"));
    assert!(told("jeton_verifiers_overdue 0.0"), "{}", scrape(&auth));
    execute(
        &mut auth.connect(),
        "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'dead', 60000)",
    );
    wait_until("the next look", || told("jeton_verifiers 2.0"));
}

/// The operator is told what each is.
#[test]
fn each_metric_is_described() {
    let told = scrape(&start());
    let described = include_str!("../../../../docs/OPERATING.md");
    let types = told.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names = 0;
    for (name, kind) in types.filter_map(|line| line.split_once(' ')) {
        let suffix = if kind == "counter" { "_total" } else { "" };
        let named = ["`", "{"].map(|end| format!("`{name}{suffix}{end}"));
        assert!(named.iter().any(|named| described.contains(named)), "{name}");
        names += 1;
    }
    assert!(names > 20, "{told}");
}

/// The dashboard and the alerts ask for what there is.
#[test]
fn metrics_tell_what_is_asked_for() {
    let auth = start();
    let _ = auth.send(&RawRequest::new("GET", "/livez"));
    let told = scrape(&auth);
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
