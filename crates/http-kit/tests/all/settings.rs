use crate::support::{ADDRESS, Settings, in_process, process, try_in_process};
use jeton_http_kit::try_parse_from;

#[test]
fn settings_that_cannot_be_are_named() {
    for (flag, value, name) in [
        ("client-timeout", "soon", "JETON_CLIENT_TIMEOUT"),
        ("client-timeout", "0", "JETON_CLIENT_TIMEOUT"),
        ("keep-alive", "2h", "JETON_KEEP_ALIVE"),
        ("max-connections", "0", "JETON_MAX_CONNECTIONS"),
        ("cache-tokens", "100000001", "JETON_CACHE_TOKENS"),
        ("lease-ttl", "61s", "JETON_LEASE_TTL"),
        ("lookup-threads", "0", "JETON_LOOKUP_THREADS"),
        ("shutdown-grace", "-1", "JETON_SHUTDOWN_GRACE"),
        ("shutdown-timeout", "10ms", "JETON_SHUTDOWN_TIMEOUT"),
        ("cors-origins", "app.example.org", "JETON_CORS_ORIGINS"),
        ("cors-allowed-headers", "x y:", "JETON_CORS_ALLOWED_HEADERS"),
        ("metrics-address", "9090", "JETON_METRICS_ADDR"),
        ("trusted-proxies", "proxy.example.org", "JETON_TRUSTED_PROXIES"),
        ("forwarded-header", "x-real-ip", "JETON_FORWARDED_HEADER"),
        ("log", "a=b=c", "JETON_LOG"),
        ("log-format", "xml", "JETON_LOG_FORMAT"),
    ] {
        let args = ["kit".into(), format!("--{flag}={value}").into()];
        let error = try_parse_from::<Settings>(args).unwrap_err().to_string();
        let first = error.lines().next().unwrap();
        assert!(
            first.starts_with("error: ") && first.contains(name),
            "{name}: {first}"
        );
    }
}

#[test]
fn a_taken_port_is_named_with_its_setting() {
    let first = in_process(&[]);
    let error = try_in_process(&[(ADDRESS, first.address())])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(first.address()) && error.contains(ADDRESS),
        "{error}"
    );
}

#[test]
fn settings_that_open_a_service_by_mistake_are_warned_of() {
    let service = process(&[
        ("JETON_TRUSTED_PROXIES", "10.0.0.0/8, ::/0"),
        ("JETON_SIGN_UP", "closed"),
        // As Kubernetes names services to whatever runs beside them.
        ("JETON_AUTH_SERVICE_HOST", "10.0.0.9"),
        ("JETON_AUTH_PORT_8080_TCP", "tcp://10.0.0.9:8080"),
    ]);
    let warning = service.wait_for_log("JETON_TRUSTED_PROXIES");
    assert!(warning.contains("::/0") && warning.contains("WARN"), "{warning}");
    let warning = service.wait_for_log("JETON_SIGN_UP");
    assert!(
        warning.contains("WARN") && !warning.contains("closed"),
        "{warning}"
    );
    let logs = service.logs();
    assert_eq!(logs.matches("WARN").count(), 2, "{logs}");
}

#[test]
fn a_filter_that_is_empty_is_none_and_silences_nothing() {
    let service = process(&[("JETON_LOG", "")]);
    assert_eq!(service.get("/livez").status, 200);
    service.wait_for_log("\"answered\"");
}
