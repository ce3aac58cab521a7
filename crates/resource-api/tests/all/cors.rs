//! Pages of other origins, as browsers let them call the services.

use crate::support::{notes_process, start_auth_with, start_notes_with, wait_until};
use jeton_client::Problem;
use jeton_proof_support::{Endpoint, InProcess, RawRequest, RawResponse, TestDatabase, raw, try_raw};

const ORIGIN: &str = "https://app.example.org";

struct Services {
    auth: InProcess,
    notes: InProcess,
    _database: TestDatabase,
}

impl Services {
    fn start(origins: &str) -> Self {
        let database = TestDatabase::create();
        let settings = [("JETON_CORS_ORIGINS", origins)];
        Self {
            auth: start_auth_with(database.url(), &settings),
            notes: start_notes_with(database.url(), &settings),
            _database: database,
        }
    }
}

fn list(answer: &RawResponse, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_default();
    let mut parts: Vec<String> = value
        .split(',')
        .map(|part| part.trim().to_lowercase())
        .filter(|part| !part.is_empty())
        .collect();
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

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

#[test]
fn what_pages_need_is_allowed_to_them() {
    let services = Services::start("http://localhost:3000, https://app.example.org");
    for (service, path, method) in [
        (&services.auth, "/v1/login", "POST"),
        (&services.auth, "/v1/me", "GET"),
        (&services.auth, "/v1/me/password", "PUT"),
        (&services.auth, "/v1/tokens/x", "PATCH"),
        (&services.auth, "/v1/tokens/x", "DELETE"),
        (&services.notes, "/notes", "POST"),
        (&services.notes, "/notes/x", "PUT"),
    ] {
        let wanted = "authorization,content-type,x-request-id";
        let answer = preflight(service, path, ORIGIN, method, wanted);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN));
        let methods = list(&answer, "Access-Control-Allow-Methods");
        assert_eq!(methods, ["delete", "get", "head", "patch", "post", "put"]);
        let headers = list(&answer, "Access-Control-Allow-Headers");
        assert_eq!(headers, ["authorization", "content-type", "x-request-id"]);
        assert_eq!(answer.header("Access-Control-Max-Age"), Some("86400"));
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
        assert!(list(&answer, "Vary").contains(&"origin".to_owned()));
        assert!(answer.header("X-Request-Id").is_some());
    }
}

/// A body that breaks off, or does not come: the HTTP library notices, and the service answers.
#[test]
fn so_do_answers_to_broken_bodies() {
    let database = TestDatabase::create();
    let settings = [("JETON_CORS_ORIGINS", ORIGIN), ("JETON_CLIENT_TIMEOUT", "300ms")];
    let auth = start_auth_with(database.url(), &settings);
    let login = RawRequest::new("POST", "/v1/login")
        .header("Origin", ORIGIN)
        .header("Content-Type", "application/json");
    let chunked = login.clone().header("Transfer-Encoding", "chunked").to_bytes();
    let broken = [chunked.as_slice(), b"no number\r\n"].concat();
    let late = login.header("Content-Length", "10").to_bytes();
    for (request, status, slug) in [(broken, 400, "malformed-body"), (late, 408, "request-timeout")] {
        // On a busy machine the head may be late as well, and the answer one of those that nobody can write on.
        let mut answers = std::iter::repeat_with(|| raw(auth.address(), &request));
        let answer = answers.find(|answer| !answer.body.is_empty()).unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem.type_, format!("urn:jeton:problem:{slug}"));
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN), "{status}");
        assert!(answer.header("X-Request-Id").is_some(), "{status}");
    }
}

/// What is no HTTP the library answers by itself, before there is a request that anything could be added for. The
/// documentation says so; should this fail, it can say something better.
#[test]
fn what_is_no_http_gets_a_status_and_nothing_else() {
    let services = Services::start(ORIGIN);
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
        for service in [&services.auth, &services.notes] {
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
            let names: Vec<_> = answer
                .headers
                .iter()
                .map(|(name, _)| name.to_lowercase())
                .collect();
            let allowed = ["content-length", "connection", "date"];
            assert!(
                names.iter().all(|name| allowed.contains(&name.as_str())),
                "{answer:?}"
            );
        }
    }
}

/// A page must be able to read what went wrong.
#[test]
fn answers_tell_whom_they_are_for_errors_as_well() {
    let services = Services::start(ORIGIN);
    let large = "x".repeat(200_000);
    for (service, request, status) in [
        (&services.notes, RawRequest::new("GET", "/public"), 200),
        (&services.notes, RawRequest::new("GET", "/whoami"), 401),
        (&services.notes, RawRequest::new("GET", "/nowhere"), 404),
        (&services.notes, RawRequest::new("DELETE", "/public"), 405),
        (&services.auth, RawRequest::new("POST", "/v1/login").body(""), 415),
        (
            &services.auth,
            RawRequest::new("POST", "/v1/login")
                .header("Content-Type", "application/json")
                .body("{"),
            400,
        ),
        (
            &services.notes,
            RawRequest::new("GET", "/whoami")
                .header("Authorization", "Bearer one")
                .header("Authorization", "Bearer another"),
            400,
        ),
        (
            &services.auth,
            RawRequest::new("POST", "/v1/login")
                .header("Content-Type", "application/json")
                .body(large),
            413,
        ),
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

#[test]
fn so_does_an_answer_while_the_service_ends() {
    let database = TestDatabase::create();
    let settings = [("JETON_CORS_ORIGINS", ORIGIN), ("JETON_SHUTDOWN_GRACE", "1h")];
    let notes = notes_process(database.url(), &settings);
    notes.signal("TERM");
    notes.wait_for_log("SIGTERM: ending");
    let readyz = || {
        RawRequest::new("GET", "/readyz")
            .header("Origin", ORIGIN)
            .send(notes.address())
    };
    wait_until("it says so", || readyz().status == 503);
    let answer = readyz();
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN));
    assert!(answer.header("Retry-After").is_some());
    drop(notes);
    drop(database);
}

#[test]
fn what_is_not_allowed_is_a_problem() {
    let services = Services::start(ORIGIN);
    for (origin, method, headers) in [
        ("https://evil.example", "GET", ""),
        ("null", "GET", ""),
        (ORIGIN, "BREW", ""),
        (ORIGIN, "GET", "x-other"),
    ] {
        for service in [&services.auth, &services.notes] {
            let answer = preflight(service, "/", origin, method, headers);
            assert_eq!(answer.status, 400, "{origin} {method} {headers}");
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem.type_, "urn:jeton:problem:bad-request");
            assert!(answer.header("X-Request-Id").is_some());
        }
    }
}

#[test]
fn with_a_star_it_is_anybody() {
    let services = Services::start("*");
    for service in [&services.auth, &services.notes] {
        let answer = preflight(service, "/", "https://any.example", "DELETE", "authorization");
        assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, Some("*")));
        let answer = RawRequest::new("GET", "/livez")
            .header("Origin", "https://any.example")
            .send(service.address());
        assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, Some("*")));
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    }
}

#[test]
fn unless_it_is_said_nobody_is() {
    let services = Services::start("");
    for service in [&services.auth, &services.notes] {
        let answer = preflight(service, "/livez", ORIGIN, "GET", "");
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header(ALLOW_ORIGIN), None);
        let answer = RawRequest::new("GET", "/livez")
            .header("Origin", ORIGIN)
            .send(service.address());
        assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, None));
    }
}
