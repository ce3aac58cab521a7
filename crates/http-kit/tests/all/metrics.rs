//! What Prometheus is told, counted exactly.

use crate::support::{in_process, issue, try_in_process};
use jeton_domain::ExposeSecret;
use jeton_proof_support::{InProcess, RawRequest, TestDatabase};

const PORT: (&str, &str) = ("JETON_METRICS_ADDR", "127.0.0.1:0");

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

fn get(service: &InProcess, path: &str, token: Option<&str>) -> u16 {
    let request = RawRequest::new("GET", path);
    let request = token.iter().fold(request, |request, token| {
        request.header("Authorization", format!("Bearer {token}"))
    });
    request.send(service.address()).status
}

#[test]
fn requests_are_counted() {
    let service = in_process(&[PORT]);
    for (path, times, status) in [
        ("/public", 7, 200),
        ("/refused", 5, 401),
        ("/items/ada", 1, 404),
        ("/nowhere", 1, 404),
        ("/nowhere/else", 1, 404),
        ("/items/1/2", 1, 404),
    ] {
        for _ in 0..times {
            assert_eq!(get(&service, path, None), status, "{path}");
        }
    }
    let made_up = RawRequest::new("BREW", "/public").send(service.address());
    assert_eq!(made_up.status, 405);

    let text = scrape(&service);
    for (labels, count) in [
        (
            &["method=\"GET\"", "route=\"/public\"", "status=\"200\""][..],
            7.0,
        ),
        (&["method=\"GET\"", "route=\"/refused\"", "status=\"401\""], 5.0),
        (&["route=\"/items/{id}\"", "status=\"404\""], 1.0),
        (&["route=\"-\"", "status=\"404\""], 3.0),
        (&["method=\"other\"", "route=\"/public\"", "status=\"405\""], 1.0),
        (&[], 17.0),
    ] {
        assert_eq!(
            sum(&text, "jeton_http_requests_total", labels),
            count,
            "{labels:?}"
        );
    }
    let durations = |name: &str, label: &str| {
        let name = format!("jeton_http_request_duration_seconds_{name}");
        sum(&text, &name, &["method=\"GET\"", "route=\"/public\"", label])
    };
    assert_eq!(durations("count", ""), 7.0);
    assert_eq!(durations("bucket", "le=\"+Inf\""), 7.0);
    assert_eq!(sum(&text, "jeton_http_requests_in_flight", &[]), 0.0);
    let build = sum(&text, "jeton_build_info", &["program=\"kit\"", "version=\"1.0\""]);
    assert_eq!(build, 1.0);
    assert!(!text.contains("nowhere") && !text.contains("ada"), "{text}");
}

#[test]
fn checks_of_tokens_are_counted() {
    let database = TestDatabase::create();
    let (_, _, token) = issue(&mut database.connect(), "ada");
    // While a lease is renewed, what is looked up may not be kept: not in the time of a test.
    let service = in_process(&[("DATABASE_URL", database.url()), PORT, ("JETON_LEASE_TTL", "60s")]);
    let stranger = jeton_domain::PlainToken::generate(&mut rand::rng());
    let stranger = stranger.expose_secret();
    assert_eq!(get(&service, "/readyz", None), 200);
    for (token, times, status) in [
        (Some(token.as_str()), 8, 200),
        (Some(stranger), 3, 401),
        (Some("jtn_mistyped"), 1, 401),
        (None, 1, 401),
    ] {
        for _ in 0..times {
            assert_eq!(get(&service, "/whoami", token), status);
        }
    }

    let text = scrape(&service);
    for (outcome, from, count) in [
        ("valid", "database", 1.0),
        ("valid", "memory", 7.0),
        ("invalid", "database", 3.0),
        ("malformed", "nobody", 1.0),
        ("unavailable", "database", 0.0),
    ] {
        let labels = [format!("outcome=\"{outcome}\""), format!("from=\"{from}\"")];
        let checks = sum(&text, "jeton_token_checks_total", &[&labels[0], &labels[1]]);
        assert_eq!(checks, count, "{labels:?}");
    }
    assert!(sum(&text, "jeton_lease_left_seconds", &[]) > 0.0);
    assert_eq!(sum(&text, "jeton_cached_tokens", &[]), 1.0);
    assert!(sum(&text, "jeton_database_connections", &["state=\"idle\""]) >= 1.0);
    for secret in [token.as_str(), stranger, "ada"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn a_taken_port_is_named_with_its_setting_and_off_takes_none() {
    let taken = in_process(&[PORT]).metrics_address();
    let holder = std::net::TcpListener::bind(&taken).unwrap();
    let error = try_in_process(&[("JETON_METRICS_ADDR", &taken)]).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains(&taken) && error.contains("JETON_METRICS_ADDR"),
        "{error}"
    );
    drop(holder);
    let quiet = crate::support::process(&[("JETON_METRICS_ADDR", "off")]);
    assert!(!quiet.logs().contains("metrics on"));
}
