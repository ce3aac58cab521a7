//! Pages of other origins, as browsers let them call a service.

use crate::support::{in_process, problem, process};
use jeton_proof_support::{Endpoint, RawRequest, RawResponse, TestDatabase, raw, try_raw, wait_until};

const ORIGIN: &str = "https://app.example.org";
const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

/// The parts of a list in a header, in lower case and in order.
fn list(answer: &RawResponse, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_default().to_lowercase();
    let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut parts: Vec<String> = parts.map(str::to_owned).collect();
    parts.sort();
    parts
}

fn preflight(service: &Endpoint, path: &str, origin: &str, method: &str, headers: &str) -> RawResponse {
    let request = RawRequest::new("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method);
    let request = match headers {
        "" => request,
        headers => request.header("Access-Control-Request-Headers", headers),
    };
    request.send(service.address())
}

#[test]
fn preflights_allow_pages_what_they_need() {
    let origins = "http://localhost:3000, https://app.example.org";
    let service = in_process(&[("JETON_CORS_ORIGINS", origins)]);
    for (path, method) in [
        ("/login", "POST"),
        ("/public", "GET"),
        ("/items/x", "PUT"),
        ("/items/x", "PATCH"),
        ("/items/x", "DELETE"),
    ] {
        let wanted = "authorization,content-type,x-request-id,traceparent,tracestate,baggage,sentry-trace,x-requested-with";
        let answer = preflight(&service, path, ORIGIN, method, wanted);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN));
        let methods = list(&answer, "Access-Control-Allow-Methods");
        assert_eq!(methods, ["delete", "get", "head", "patch", "post", "put"]);
        let headers = list(&answer, "Access-Control-Allow-Headers");
        let mut wanted: Vec<&str> = wanted.split(',').collect();
        wanted.sort_unstable();
        assert_eq!(headers, wanted);
        assert_eq!(answer.header("Access-Control-Max-Age"), Some("86400"));
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
        assert!(list(&answer, "Vary").contains(&"origin".to_owned()));
        assert!(answer.header("X-Request-Id").is_some());
    }
}

/// A page must be able to read what went wrong.
#[test]
fn answers_tell_whom_they_are_for_errors_as_well() {
    let database = TestDatabase::create();
    let service = in_process(&[("DATABASE_URL", database.url()), ("JETON_CORS_ORIGINS", ORIGIN)]);
    let whoami = RawRequest::new("GET", "/whoami");
    let two = whoami
        .clone()
        .header("Authorization", "Bearer one")
        .header("Authorization", "Bearer another");
    let json = RawRequest::new("POST", "/login").header("Content-Type", "application/json");
    for (request, status) in [
        (RawRequest::new("GET", "/public"), 200),
        (RawRequest::new("GET", "/refused"), 401),
        (whoami, 401),
        (two, 400),
        (RawRequest::new("GET", "/nowhere"), 404),
        (RawRequest::new("DELETE", "/public"), 405),
        (RawRequest::new("POST", "/login").body(""), 415),
        (json.clone().body("{"), 400),
        (json.body("x".repeat(200_000)), 413),
    ] {
        let answer = request.clone().header("Origin", ORIGIN).send(service.address());
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN), "{status}");
        let exposed = list(&answer, "Access-Control-Expose-Headers");
        assert_eq!(
            exposed,
            ["retry-after", "www-authenticate", "x-auth-token", "x-request-id"]
        );
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
        assert!(answer.header("X-Request-Id").is_some(), "{status}");
        let problem = answer.header("Content-Type") == Some("application/problem+json");
        assert_eq!(problem, status >= 400, "{status}");
        // Nobody else: neither other pages, nor what is no page.
        for other in [
            Some("https://evil.example"),
            Some("null"),
            Some("https://app.example.org.evil"),
            None,
        ] {
            let request = other.iter().fold(request.clone(), |request, origin| {
                request.header("Origin", origin)
            });
            let answer = request.send(service.address());
            assert_eq!(answer.status, status);
            assert_eq!(answer.header(ALLOW_ORIGIN), None, "{other:?}");
            assert!(list(&answer, "Vary").contains(&"origin".to_owned()), "{other:?}");
        }
    }
}

/// A body that breaks off, or does not come: the HTTP library notices, and the service answers.
#[test]
fn answers_to_broken_bodies_tell_whom_they_are_for() {
    let service = in_process(&[("JETON_CORS_ORIGINS", ORIGIN), ("JETON_CLIENT_TIMEOUT", "300ms")]);
    let login = RawRequest::new("POST", "/login")
        .header("Origin", ORIGIN)
        .header("Content-Type", "application/json");
    let chunked = login.clone().header("Transfer-Encoding", "chunked").to_bytes();
    let broken = [chunked.as_slice(), b"no number\r\n"].concat();
    let late = login.header("Content-Length", "10").to_bytes();
    for (request, status, slug) in [(broken, 400, "malformed-body"), (late, 408, "request-timeout")] {
        // On a busy machine the head may be late as well, and the answer one of those that nobody can write on.
        let mut answers = std::iter::repeat_with(|| raw(service.address(), &request));
        let answer = answers.find(|answer| !answer.body.is_empty()).unwrap();
        assert_eq!(problem(&answer), (status, slug.to_owned()), "{answer:?}");
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN), "{status}");
        assert!(answer.header("X-Request-Id").is_some(), "{status}");
    }
}

#[test]
fn answers_while_the_service_ends_tell_whom_they_are_for() {
    let service = process(&[("JETON_CORS_ORIGINS", ORIGIN), ("JETON_SHUTDOWN_GRACE", "1h")]);
    service.signal("TERM");
    service.wait_for_log("SIGTERM: ending");
    let readyz = || {
        RawRequest::new("GET", "/readyz")
            .header("Origin", ORIGIN)
            .send(service.address())
    };
    wait_until("it says so", || readyz().status == 503);
    let answer = readyz();
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN));
    assert!(answer.header("Retry-After").is_some());
}

/// What is no HTTP the library answers by itself, before there is a request that anything could be added for. The
/// documentation says so; should this fail, it can say something better.
#[test]
fn a_request_that_is_no_http_gets_a_status_and_nothing_else() {
    let service = in_process(&[("JETON_CORS_ORIGINS", ORIGIN)]);
    let head = |line: &str, more: &str| {
        format!("{line}\r\nHost: x\r\nOrigin: {ORIGIN}\r\nX-Request-Id: mine\r\n{more}\r\n").into_bytes()
    };
    let get = "GET /livez HTTP/1.1";
    for (request, status) in [
        (head("NONSENSE", ""), 400),
        (head("GET /livez HTTP/7.1", ""), 400),
        (head(get, "Content-Length: x\r\n"), 400),
        (head(get, "no colon\r\n"), 400),
        (head(get, "X: \u{7}\r\n"), 400),
        (head(get, &format!("X-Huge: {}\r\n", "a".repeat(200_000))), 431),
    ] {
        // Where the service hangs up on what it has not read, the answer may be lost.
        let Ok(answer) = try_raw(service.address(), &request) else {
            assert_eq!(status, 431);
            continue;
        };
        assert_eq!(
            (answer.status, answer.text()),
            (status, String::new()),
            "{answer:?}"
        );
        let mut names = answer.headers.iter().map(|(name, _)| name.to_lowercase());
        let allowed = ["content-length", "connection", "date"];
        assert!(names.all(|name| allowed.contains(&name.as_str())), "{answer:?}");
    }
}

#[test]
fn a_preflight_that_is_not_allowed_is_a_problem() {
    let service = in_process(&[("JETON_CORS_ORIGINS", ORIGIN)]);
    for (origin, method, headers) in [
        ("https://evil.example", "GET", ""),
        ("null", "GET", ""),
        (ORIGIN, "BREW", ""),
        (ORIGIN, "GET", "x-other"),
    ] {
        let answer = preflight(&service, "/", origin, method, headers);
        assert_eq!(
            problem(&answer),
            (400, "bad-request".to_owned()),
            "{origin} {method} {headers}"
        );
        assert!(answer.header("X-Request-Id").is_some());
    }
}

#[test]
fn webviews_and_any_port_of_the_own_machine_can_be_named() {
    let origins = "capacitor://localhost, app://., http://localhost:*";
    let service = in_process(&[("JETON_CORS_ORIGINS", origins)]);
    for (origin, allowed) in [
        ("capacitor://localhost", true),
        ("app://.", true),
        ("http://localhost:8100", true),
        ("http://localhost", true),
        ("ionic://localhost", false),
        ("capacitor://localhost.evil", false),
        ("http://localhost.evil:8100", false),
        ("https://localhost:8100", false),
    ] {
        let answer = preflight(&service, "/login", origin, "POST", "content-type");
        assert_eq!(answer.status == 200, allowed, "{origin}");
        let answer = RawRequest::new("GET", "/public")
            .header("Origin", origin)
            .send(service.address());
        assert_eq!(answer.header(ALLOW_ORIGIN), allowed.then_some(origin));
        assert!(list(&answer, "Vary").contains(&"origin".to_owned()));
    }
}

#[test]
fn more_headers_can_be_allowed() {
    for (setting, header, status) in [
        ("", "x-datadog-trace-id", 400),
        ("x-b3-traceid, X-Datadog-Trace-Id", "x-datadog-trace-id", 200),
        ("x-b3-traceid", "traceparent", 200),
        ("*", "x-anything", 200),
        ("*", "authorization", 200),
    ] {
        let service = in_process(&[
            ("JETON_CORS_ORIGINS", ORIGIN),
            ("JETON_CORS_ALLOWED_HEADERS", setting),
        ]);
        let answer = preflight(&service, "/login", ORIGIN, "POST", header);
        assert_eq!(answer.status, status, "{setting}: {header}");
        let allowed = list(&answer, "Access-Control-Allow-Headers");
        assert_eq!(allowed.contains(&header.to_owned()), status == 200, "{allowed:?}");
    }
}

#[test]
fn a_star_allows_any_origin() {
    let service = in_process(&[("JETON_CORS_ORIGINS", "*")]);
    let answer = preflight(&service, "/", "https://any.example", "DELETE", "authorization");
    assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, Some("*")));
    let answer = RawRequest::new("GET", "/livez")
        .header("Origin", "https://any.example")
        .send(service.address());
    assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, Some("*")));
    assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
}

#[test]
fn cors_allows_nobody_unless_it_is_said() {
    let service = in_process(&[("JETON_CORS_ORIGINS", "")]);
    let answer = preflight(&service, "/livez", ORIGIN, "GET", "");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header(ALLOW_ORIGIN), None);
    let answer = RawRequest::new("GET", "/livez")
        .header("Origin", ORIGIN)
        .send(service.address());
    assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, None));
}
