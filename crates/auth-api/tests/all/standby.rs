//! A synchronous standby that does not answer: commits wait for it, for as long as it is gone.

use crate::support::{PASSWORD, bearer, json, on_own_postgres, sign_up};
use jeton_proof_support::{InProcess, RawRequest, SilentStandby, wait_until};

fn metric(service: &InProcess, name: &str) -> f64 {
    let told = RawRequest::new("GET", "/metrics").send(service.metrics_address());
    let told = told.text();
    let value = told
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("no {name}:\n{told}"))
        .parse()
        .unwrap()
}

fn readiness(service: &InProcess) -> (u16, String) {
    let answer = service.get("/readyz");
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    (
        answer.status,
        body["status"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_hang_are_told_while_checks_go_on_and_over_when_the_standby_is_back() {
    let (postgres, service, client) = on_own_postgres(&[("JETON_METRICS_ADDR", "127.0.0.1:0")]);
    let ada = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let bob = client.sign_up_session(&sign_up("bob")).await.unwrap();
    let with = |method, path, session| {
        RawRequest::new(method, path)
            .header("Authorization", bearer(session))
            .send(service.address())
            .status
    };
    assert_eq!(with("GET", "/v1/verify", &ada), 200);
    assert_eq!(readiness(&service), (200, "ready".to_owned()));
    assert_eq!(metric(&service, "jeton_database_hanging_commits"), 0.0);

    let standby = SilentStandby::of(&postgres);
    // It hangs until its own deadline, and is not acknowledged.
    assert_eq!(with("POST", "/v1/logout", &bob), 503);
    let sign_in = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
    let sign_in = json("POST", "/v1/login", &sign_in);
    for _ in 0..3 {
        assert_eq!(readiness(&service), (200, "degraded".to_owned()));
        // Known, and not known to any memory: nobody is refused for a standby.
        assert_eq!(with("GET", "/v1/verify", &ada), 200);
        assert_eq!(with("GET", "/v1/tokens", &ada), 200);
        assert_eq!(sign_in.send(service.address()).status, 503);
        assert_eq!(with("POST", "/v1/logout", &ada), 503);
    }
    // Nor does whoever asks again for what hangs: it would wait for the lock of the one that hangs.
    let again = || with("POST", "/v1/logout", &bob);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(again)).collect();
        assert_eq!(readiness(&service), (200, "degraded".to_owned()));
        for asked in asking {
            assert_eq!(asked.join().unwrap(), 503);
        }
    });
    assert!(metric(&service, "jeton_database_hanging_commits") >= 1.0);
    assert!(metric(&service, "jeton_database_connections_abandoned_total") >= 1.0);

    standby.end();
    wait_until("it is ready", || readiness(&service).1 == "ready");
    assert_eq!(metric(&service, "jeton_database_hanging_commits"), 0.0);
    assert_eq!(sign_in.send(service.address()).status, 200);
    // The one that hung has come through; and waits, as a second attempt does, until it holds everywhere.
    assert_eq!(with("POST", "/v1/logout", &bob), 204);
    assert_eq!(with("POST", "/v1/logout", &ada), 204);
    assert_eq!(with("GET", "/v1/verify", &ada), 401);
}
