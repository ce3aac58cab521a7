//! What is refused costs the database next to nothing.

use super::*;

/// A metric's value.
fn metric(address: &str, name: &str) -> u64 {
    let text = RawRequest::new("GET", "/metrics").send(address).text();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_attempts_write_nothing_and_are_refused_from_memory() {
    let mut settings = FEW.to_vec();
    settings.extend([
        ("JETON_NETWORK_FAILURES", "4"),
        ("JETON_METRICS_ADDR", "127.0.0.1:0"),
    ]);
    let auth = Auth::start_with(&settings);
    for i in 0..4 {
        assert_eq!(
            auth.send(&attempt(&format!("user{i}"), "wrong", STRANGER)).status,
            401
        );
    }
    for _ in 0..3 {
        assert_eq!(auth.send(&attempt("ada", "wrong", HOME)).status / 100, 4);
    }
    let versions = "SELECT concat_ws(' ', (SELECT string_agg(concat_ws('.', xmin, xmax, ctid), ' ' ORDER BY network) \
        FROM network_attempts), (SELECT string_agg(concat_ws('.', xmin, xmax, ctid), ' ' ORDER BY account, network) \
        FROM account_attempts))";
    // The first that is refused is written down.
    let of_network = attempt("bob", "wrong", STRANGER);
    let of_account = attempt("ada", "wrong", HOME);
    for refused in [&of_network, &of_account] {
        assert_eq!(auth.send(refused).status, 429);
    }
    let before = text(&mut auth.connect(), versions);
    let metrics = auth.service.metrics_address();
    for refused in [&of_network, &of_account] {
        let from_memory = || metric(&metrics, "jeton_rate_limited_from_memory_total");
        let start = from_memory();
        wait_until("it is known", || {
            assert_eq!(auth.send(refused).status, 429);
            from_memory() > start + 10
        });
        // Whoever comes from elsewhere, or with another name, is nobody of whom that is known.
        assert_eq!(auth.send(&attempt("bob", "wrong", "192.0.2.7")).status, 401);
        auth.connect()
            .batch_execute(
                "DELETE FROM network_attempts WHERE network = '192.0.2.7'; \
                DELETE FROM account_attempts WHERE account = sha256('bob')",
            )
            .unwrap();
    }
    assert_eq!(text(&mut auth.connect(), versions), before);
    assert!(
        metric(&metrics, "jeton_rate_limited_total")
            >= metric(&metrics, "jeton_rate_limited_from_memory_total")
    );
}
