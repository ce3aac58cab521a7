//! Pages of other origins: the authorization page where it is hosted elsewhere, and apps that are pages.

use super::{App, body, form};
use crate::support::{Auth, bearer, json};
use jeton_proof_support::RawRequest;
use serde_json::json as value;

const ORIGIN: &str = "https://login.example.org";
const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

#[tokio::test]
async fn pages_of_origins_that_are_named_may_ask_what_delegation_takes_and_no_others() {
    let auth = Auth::start_with(&[("JETON_CORS_ORIGINS", ORIGIN)]);
    let ada = auth.sign_up("ada").await;
    let app = App::public(&auth);
    let wrong = value!({ "client_id": app.id() }).to_string();
    let request = value!(app.request()).to_string();
    let begun = body(&auth.begin(&app.request()));
    let path = format!("/v1/authorizations/{}", begun["id"].as_str().unwrap());
    let signed = |request: RawRequest| request.header("Authorization", bearer(&ada));
    let (approve, nothing) = (format!("{path}/approve"), format!("{path}x/deny"));
    let code = auth.code(&ada, &app);
    for (request, status) in [
        (json("POST", "/v1/authorizations", &request), 201),
        (json("POST", "/v1/authorizations", &wrong), 400),
        (RawRequest::new("GET", &path), 401),
        (signed(RawRequest::new("GET", &path)), 200),
        (signed(json("POST", &nothing, "{}")), 404),
        (signed(json("POST", &approve, "{}")), 200),
        (signed(RawRequest::new("GET", "/v1/grants")), 200),
        (
            RawRequest::new("GET", "/.well-known/oauth-authorization-server"),
            200,
        ),
        (form("/v1/token", &app.exchange("no code")), 400),
        (form("/v1/token", &[]), 401),
        (form("/v1/token", &app.exchange(&code)), 200),
        (
            form("/v1/revoke", &app.signed(vec![("token", "none".to_owned())])),
            200,
        ),
    ] {
        // First by others: most of it can be asked once.
        let harmless = status >= 400 || request.to_bytes().starts_with(b"GET");
        for other in ["https://evil.example", "null", "https://login.example.org.evil"] {
            if harmless {
                let answer = auth.send(&request.clone().header("Origin", other));
                assert_eq!(
                    (answer.status, answer.header(ALLOW_ORIGIN)),
                    (status, None),
                    "{other}"
                );
            }
        }
        let answer = auth.send(&request.header("Origin", ORIGIN));
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(ORIGIN), "{answer:?}");
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    }
}

#[test]
fn preflights_let_named_origins_ask_what_delegation_takes_and_no_others() {
    let auth = Auth::start_with(&[("JETON_CORS_ORIGINS", ORIGIN)]);
    let id = "x";
    for (method, path, headers) in [
        ("POST", "/v1/authorizations".to_owned(), "content-type"),
        ("GET", format!("/v1/authorizations/{id}"), "authorization"),
        (
            "POST",
            format!("/v1/authorizations/{id}/approve"),
            "authorization,content-type",
        ),
        ("POST", format!("/v1/authorizations/{id}/deny"), "authorization"),
        ("DELETE", format!("/v1/grants/{id}"), "authorization"),
        // By HTTP Basic, which is no simple request.
        ("POST", "/v1/token".to_owned(), "authorization"),
    ] {
        for (origin, allowed) in [(ORIGIN, Some(ORIGIN)), ("https://evil.example", None)] {
            let preflight = RawRequest::new("OPTIONS", &path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", method)
                .header("Access-Control-Request-Headers", headers);
            let answer = auth.send(&preflight);
            assert_eq!(
                answer.header(ALLOW_ORIGIN),
                allowed,
                "{method} {path}: {answer:?}"
            );
            if allowed.is_some() {
                assert_eq!(answer.status, 200, "{method} {path}");
                let methods = answer.header("Access-Control-Allow-Methods").unwrap();
                assert!(methods.contains(method), "{methods}");
                let may = answer
                    .header("Access-Control-Allow-Headers")
                    .unwrap()
                    .to_lowercase();
                assert!(headers.split(',').all(|header| may.contains(header)), "{may}");
            }
        }
    }
}

/// RFC 9700 §2.6: people come to them by a link, and not from a page's script.
#[test]
fn pages_for_people_are_read_by_no_page_of_another_origin() {
    for origins in [ORIGIN, "*"] {
        let auth = Auth::start_with(&[("JETON_CORS_ORIGINS", origins)]);
        for path in ["/authorize?client_id=x", "/device", "/account/apps"] {
            let read = RawRequest::new("GET", path).header("Origin", ORIGIN);
            let preflight = RawRequest::new("OPTIONS", path)
                .header("Origin", ORIGIN)
                .header("Access-Control-Request-Method", "GET")
                .header("Access-Control-Request-Headers", "authorization");
            for (request, status) in [(read, 200), (preflight, 405)] {
                let answer = auth.send(&request);
                assert_eq!(answer.status, status, "{path}");
                let told = answer
                    .headers
                    .iter()
                    .find(|(name, _)| name.to_lowercase().starts_with("access-control-"));
                assert_eq!(told, None, "{path}");
            }
        }
    }
}
