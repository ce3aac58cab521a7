//! What the document lets one send, the service takes, and nothing else.

use super::document::Document;
use crate::support::{Auth, PASSWORD};
use jeton_client::{ExposeSecret, Problem};
use jeton_proof_support::RawRequest;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

struct Asking<'a> {
    document: &'a Document,
    auth: &'a Auth,
    token: String,
}

impl Asking<'_> {
    fn may_be(&self, method: &str, path: &str, media: &str, body: &Value) -> bool {
        let operation = &self.document.0["paths"][path][method.to_lowercase()];
        let schema = &operation["requestBody"]["content"][media]["schema"];
        assert!(schema.is_object(), "{method} {path}");
        self.document.validator(schema, false).is_valid(body)
    }

    /// Whether neither the body nor the query is what the answer is about.
    fn is_taken(&self, method: &str, target: &str, media: &str, body: impl Into<Vec<u8>>) -> bool {
        let request = RawRequest::new(method, target)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", media)
            .body(body);
        let answer = self.auth.send(&request);
        assert!(answer.status < 500, "{target}: {answer:?}");
        ![400, 422].contains(&answer.status)
    }

    fn check(&self, path: &str, body: Value, right: bool) {
        assert_eq!(
            self.may_be("POST", path, JSON, &body),
            right,
            "described: {path}: {body}"
        );
        assert_eq!(
            self.is_taken("POST", path, JSON, body.to_string()),
            right,
            "served: {path}: {body}"
        );
    }
}

async fn ask(questions: impl FnOnce(&Asking<'_>)) {
    let auth = Auth::start();
    let session = auth.sign_up_with("ada", "admin").await;
    questions(&Asking {
        document: &Document::read(),
        auth: &auth,
        token: session.token().expose_secret().to_owned(),
    });
}

#[tokio::test]
async fn users_are_described_as_they_are_taken() {
    ask(|asking| {
        for (username, right) in [
            ("Ada.L+x@Example_1-2", true),
            ("äöü", true),
            ("語語語", true),
            ("ab", false),
            ("a b", false),
            ("ada\n", false),
            ("½½½", false),
        ] {
            let body = json!({ "username": username, "password": PASSWORD });
            asking.check("/v1/users", body, right);
        }
        for (email, right) in [
            (json!("\"odd@local\"@example.org"), true),
            (json!(null), true),
            (json!("ada"), false),
            (json!("a da@example.org"), false),
            (json!("ada\u{12}@example.org"), false),
            (json!("ada@\u{83}"), false),
        ] {
            let body = json!({ "username": "bea", "password": PASSWORD, "email": email });
            asking.check("/v1/users", body, right);
        }
    })
    .await;
}

#[tokio::test]
async fn a_password_is_described_as_for_people_and_not_for_programs() {
    ask(|asking| {
        for (fields, right) in [
            (json!({ "password": PASSWORD }), true),
            (json!({ "password": PASSWORD, "service": false }), true),
            (json!({ "service": true }), true),
            (json!({ "service": true, "password": null }), true),
            (json!({ "service": true, "password": PASSWORD }), false),
            (json!({ "service": false }), false),
            (json!({ "service": false, "password": null }), false),
            (json!({}), false),
        ] {
            let mut body = json!({ "username": "backup" });
            body.as_object_mut()
                .unwrap()
                .extend(fields.as_object().unwrap().clone());
            asking.check("/v1/admin/users", body, right);
        }
    })
    .await;
}

#[tokio::test]
async fn wishes_for_a_token_are_described_as_they_are_taken() {
    let scopes = |count: usize| vec!["a"; count];
    let (many, too_many) = (scopes(64).join("  "), scopes(65).join(" "));
    ask(|asking| {
        for (field, value, right) in [
            ("name", json!(" Pixel 9\n"), true),
            ("name", json!("a"), true),
            ("name", json!("n".repeat(100)), true),
            ("name", json!("n".repeat(101)), false),
            ("name", json!(format!("n{:100}", "")), false),
            ("name", json!("\t "), false),
            ("name", json!("two\nlines"), false),
            ("name", json!("a\u{97}b"), false),
            ("scopes", json!(scopes(64)), true),
            ("scopes", json!(scopes(65)), false),
            ("scopes", json!(""), true),
            ("scopes", json!(" "), true),
            ("scopes", json!(null), false),
            ("scopes", json!(many), true),
            ("scopes", json!(too_many), false),
            ("scopes", json!("s".repeat(65)), false),
            ("scopes", json!("a\"b"), false),
            ("expires_in", json!(60), true),
            ("expires_in", json!(60.0), true),
            ("expires_in", json!(null), false),
            ("expires_in", json!(60.5), false),
            ("expires_in", json!(0), false),
            ("expires_in", json!("60"), false),
        ] {
            let mut body = json!({ "name": "backup", "scopes": [] });
            body[field] = value;
            asking.check("/v1/tokens", body.clone(), right);
            body["username"] = json!("ada");
            body["password"] = json!(PASSWORD);
            asking.check("/v1/login", body, right);
        }
    })
    .await;
}

/// In a form all is text, and what is named twice or is `null` is not what it would be in JSON.
#[tokio::test]
async fn a_form_is_described_as_it_is_taken() {
    ask(|asking| {
        for (field, text, value, right) in [
            ("name", "Pixel+9", json!("Pixel 9"), true),
            ("name", "", json!(""), false),
            ("expires_in", "60", json!(60), true),
            ("expires_in", "null", json!(null), false),
            ("scopes", "admin", json!("admin"), true),
            ("scopes", "admin&scopes=admin", json!(["admin", "admin"]), false),
        ] {
            let mut body = json!({ "username": "ada", "password": PASSWORD });
            body[field] = value;
            assert_eq!(asking.may_be("POST", "/v1/login", FORM, &body), right, "{body}");
            let form = format!("username=ada&password={PASSWORD}&{field}={text}");
            assert_eq!(asking.is_taken("POST", "/v1/login", FORM, form), right, "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_place_in_the_audit_log_is_described_as_it_is_taken() {
    ask(|asking| {
        let path = "/v1/admin/audit-events";
        let parameters = asking.document.0["paths"][path]["get"]["parameters"].as_array();
        let after = parameters.unwrap().iter().find(|one| one["name"] == "after");
        let validator = asking.document.validator(&after.unwrap()["schema"], false);
        let id = "01a20a08-7411-7a2c-9a77-6a1f60f4a3c5";
        for (text, right) in [
            (format!("1795464654389124.{id}"), true),
            (format!("0.{id}"), true),
            (format!("99999999999999999.{id}"), true),
            (format!("99999999999999999999.{id}"), false),
            (format!("1795464654389124.{}", "0".repeat(36)), false),
            (id.to_owned(), false),
        ] {
            assert_eq!(validator.is_valid(&json!(text)), right, "described: {text}");
            let target = format!("{path}?after={text}");
            assert_eq!(asking.is_taken("GET", &target, JSON, ""), right, "served: {text}");
        }
    })
    .await;
}

/// Whom an answer refuses: a 422 of kind `validation`, or nobody.
fn refused(answer: &jeton_proof_support::RawResponse) -> Vec<String> {
    if answer.status != 422 {
        return Vec::new();
    }
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

/// What follows OAuth, health checks, and pages, which read the query themselves.
const TAKE_ANY: [&str; 10] = [
    "/.well-known/oauth-authorization-server",
    "/v1/token",
    "/v1/device_authorization",
    "/v1/introspect",
    "/v1/revoke",
    "/livez",
    "/readyz",
    "/authorize",
    "/device",
    "/account/apps",
];

/// Of every operation: a slip is told, and nothing is done.
#[tokio::test]
async fn names_that_are_not_described_are_refused_but_by_what_takes_any() {
    let auth = Auth::start();
    let scopes = "admin tokens:introspect tokens:revoke notes:read";
    let session = auth.sign_up_with("ada", scopes).await;
    let authorization = format!("Bearer {}", session.token().expose_secret());
    let document = Document::read();
    let nobody = uuid::Uuid::now_v7().to_string();
    for operation in document.operations() {
        let (method, path) = (operation.method.as_str(), operation.path);
        let takes_any = TAKE_ANY.contains(&path);
        let target = path.replace("{id}", &nobody).replace("{token}", &nobody);
        let mut requests = vec![];
        let ask = |target: &str| RawRequest::new(method, target).header("Authorization", &authorization);
        let query = ask(&format!("{target}?surprise=1"));
        match operation.body() {
            Some((media, example)) => {
                let with = |request: RawRequest, body: &Value| {
                    let body = if media == FORM {
                        form(body)
                    } else {
                        body.to_string()
                    };
                    request.header("Content-Type", media).body(body)
                };
                let mut more = example.clone();
                more["surprise"] = json!({ "is": "told" });
                requests.push((with(query, example), takes_any));
                // The parameters of an app's request, of which those that are unknown are ignored (RFC 6749 §3.1).
                let takes_any = takes_any || path == "/v1/authorizations";
                requests.push((with(ask(&target), &more), takes_any));
                let schema = &operation.described["requestBody"]["content"][media]["schema"];
                let takes = document.validator(schema, false).is_valid(&more);
                assert_eq!(takes, takes_any, "described: {method} {path}");
            }
            None => {
                requests.push((query, takes_any));
                // An empty body is as good as none, and that of a GET means nothing.
                if method != "GET" {
                    let more =
                        |media: &str, body: &str| ask(&target).header("Content-Type", media).body(body);
                    requests.push((more(JSON, r#"{"surprise": true}"#), takes_any));
                    requests.push((more(FORM, "surprise=1"), takes_any));
                }
            }
        }
        for (request, takes_any) in requests {
            let answer = auth.send(&request);
            let expected: &[&str] = if takes_any { &[] } else { &["/surprise"] };
            assert_eq!(refused(&answer), expected, "{method} {path}: {answer:?}");
        }
    }
    assert!(session.me().await.is_ok(), "nothing was done");
    for (media, body) in [(JSON, "{}"), (FORM, ""), ("text/plain", "bye")] {
        let token = auth.sign_in("ada").await.token();
        let logout = RawRequest::new("POST", "/v1/logout")
            .header("Authorization", format!("Bearer {}", token.expose_secret()))
            .header("Content-Type", media)
            .body(body);
        assert_eq!(auth.send(&logout).status, 204, "{media}");
    }
}

fn form(body: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object().unwrap() {
        form.append_pair(name, value.as_str().unwrap_or("text"));
    }
    form.finish()
}

#[tokio::test]
async fn scopes_may_be_spelled_as_oauth_does_and_not_both_ways() {
    ask(|asking| {
        for (path, more) in [
            ("/v1/login", json!({ "username": "ada", "password": PASSWORD })),
            ("/v1/tokens", json!({ "name": "backup" })),
            (
                "/v1/admin/users",
                json!({ "username": "bea", "password": PASSWORD }),
            ),
        ] {
            for (fields, right) in [
                (json!({ "scope": "admin" }), true),
                (json!({ "scope": "" }), true),
                (json!({ "scope": ["admin"] }), true),
                (json!({ "scope": 7 }), false),
                (json!({ "scope": null }), false),
                (json!({ "scopes": null }), false),
                (json!({ "scope": "a\"b" }), false),
                (json!({ "scope": "admin", "scopes": ["admin"] }), false),
                (json!({ "scope": "", "scopes": [] }), false),
                (json!({ "Scopes": ["admin"] }), false),
            ] {
                let mut body = more.clone();
                body.as_object_mut()
                    .unwrap()
                    .extend(fields.as_object().unwrap().clone());
                if path == "/v1/tokens" && fields.get("Scopes").is_some() {
                    body["scopes"] = json!([]);
                }
                // Each user is created once.
                if path == "/v1/admin/users" {
                    body["username"] = json!(format!("bea-{}", uuid::Uuid::now_v7()));
                }
                asking.check(path, body, right);
            }
        }
    })
    .await;
}
