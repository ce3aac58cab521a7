//! Everything that the document says may happen, made to happen, and held against what the document says of it.

use super::document::{Document, Operation, Outcome};
use crate::support::{Auth, PASSWORD, start_service};
use jeton_client::ExposeSecret;
use jeton_local_postgres::LocalPostgres;
use jeton_test_support::{RawRequest, RawResponse, ServiceProcess, migrate};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Requests to one service, with one token, and what became of them.
struct Walk<'a> {
    document: &'a Document,
    service: &'a ServiceProcess,
    seen: &'a RefCell<BTreeSet<Outcome>>,
}

impl Walk<'_> {
    /// Sends what the operation takes, checks the answer, notes it, and gives its body.
    fn ask(&self, method: &str, path: &str, request: &RawRequest) -> Value {
        self.note(method, path, &request.send(self.service.address()))
    }

    fn note(&self, method: &str, path: &str, answer: &RawResponse) -> Value {
        let outcome = self.document.check(method, path, answer);
        self.seen.borrow_mut().insert(outcome);
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// As [`ask`](Self::ask), with ids in the path, a token and a body of JSON.
    fn call(&self, method: &str, path: &str, ids: &[&str], token: &str, body: &Value) -> Value {
        let operation = Operation {
            method: method.to_owned(),
            path,
            described: &Value::Null,
        };
        let mut request = operation.example(ids);
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if !body.is_null() {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        self.ask(method, path, &request)
    }

    fn form(&self, path: &str, token: &str, presented: &str) -> Value {
        let request = RawRequest::new("POST", path)
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("token={presented}"));
        self.ask("POST", path, &request)
    }

    fn sign_up(&self, username: &str) -> (String, String) {
        let issued = self.call("POST", "/v1/users", &[], "", &credentials(username));
        (text(&issued["token"]), text(&issued["user"]["id"]))
    }

    fn log_in(&self, username: &str) -> String {
        text(&self.call("POST", "/v1/login", &[], "", &credentials(username))["token"])
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

fn credentials(username: &str) -> Value {
    json!({ "username": username, "password": PASSWORD })
}

fn nobody() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// What can be wrong with any request, for whatever operation can be asked wrongly so.
fn faults(walk: &Walk<'_>, admin: &str, powerless: &str, personal: &str) {
    let id = nobody();
    for operation in walk.document.operations() {
        let (method, path) = (operation.method.as_str(), operation.path);
        let plain = || operation.example(&[&id, &id]);
        let with = |token: &str| plain().header("Authorization", format!("Bearer {token}"));
        let ask = |request: RawRequest| drop(walk.ask(method, path, &request));
        if operation.is_guarded() {
            ask(plain());
            ask(with("jtn_mistyped"));
            ask(with(admin).header("Authorization", "Bearer twice"));
        }
        if operation.tells(walk.document, "400", "malformed-query") {
            let target = path.replace("{id}", &id) + "?limit=none&scope=";
            ask(RawRequest::new(method, &target).header("Authorization", format!("Bearer {admin}")));
        }
        if operation.tells(walk.document, "403", "login-token-required") {
            ask(with(personal));
        }
        if operation.tells(walk.document, "403", "insufficient-scope") && path != "/v1/revoke" {
            let target = path.replace("{id}", &id).replace("{token}", &id);
            let target = if path == "/v1/verify" {
                target + "?scope=admin"
            } else {
                target
            };
            ask(RawRequest::new(method, &target).header("Authorization", format!("Bearer {powerless}")));
        }
        if let Some((media, example)) = operation.body() {
            let typed = |body: &str| with(admin).header("Content-Type", media).body(body);
            ask(with(admin).header("Content-Type", "text/plain").body("x"));
            ask(typed(&"x".repeat(200_000)));
            ask(typed("[]"));
            if media == "application/json" {
                ask(typed("{"));
            }
            if operation.tells(walk.document, "404", "not-found") {
                ask(typed(&example.to_string()));
            }
        } else if operation.tells(walk.document, "404", "not-found") {
            ask(with(admin));
        }
    }
}

fn account(walk: &Walk<'_>) {
    let (token, _) = walk.sign_up("ada");
    walk.call("POST", "/v1/users", &[], "", &credentials("ada"));
    let second = walk.log_in("ada");
    walk.call(
        "POST",
        "/v1/login",
        &[],
        "",
        &json!({ "username": "ada", "password": "wrong" }),
    );
    walk.call(
        "POST",
        "/v1/login",
        &[],
        "",
        &json!({ "username": "ada", "password": PASSWORD, "scopes": "admin" }),
    );
    walk.call("GET", "/v1/me", &[], &token, &Value::Null);
    walk.call("GET", "/v1/tokens", &[], &token, &Value::Null);
    walk.call("GET", "/v1/verify", &[], &token, &Value::Null);
    let wishes = |scope: &str| json!({ "name": "nightly", "scopes": [scope], "expires_in": 60 });
    let made = walk.call("POST", "/v1/tokens", &[], &token, &wishes("notes:read"));
    walk.call("POST", "/v1/tokens", &[], &token, &wishes("admin"));
    let id = text(&made["token_id"]);
    walk.call(
        "PATCH",
        "/v1/tokens/{id}",
        &[&id],
        &token,
        &json!({ "name": "weekly" }),
    );
    walk.call("DELETE", "/v1/tokens/{id}", &[&id], &token, &Value::Null);
    let (other, _) = walk.sign_up("bea");
    walk.form("/v1/revoke", &token, &other);
    walk.form("/v1/revoke", &token, &second);
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different phrase" });
    walk.call("PUT", "/v1/me/password", &[], &token, &change);
    let wrong = json!({ "current_password": "wrong", "new_password": "wrong as well, and long" });
    walk.call("PUT", "/v1/me/password", &[], &token, &wrong);
    walk.call("DELETE", "/v1/me", &[], &other, &json!({ "password": "wrong" }));
    walk.call("DELETE", "/v1/me", &[], &other, &json!({ "password": PASSWORD }));
    walk.call("POST", "/v1/logout", &[], &token, &Value::Null);
    let (everywhere, _) = walk.sign_up("cleo");
    walk.call("POST", "/v1/logout-all", &[], &everywhere, &Value::Null);
}

fn administration(walk: &Walk<'_>, admin: &str, admins_id: &str) {
    let nothing = Value::Null;
    let users = "/v1/admin/users";
    let user = |rest: &str| format!("{users}/{{id}}{rest}");
    let person = walk.call("POST", users, &[], admin, &credentials("dora"));
    let service = json!({ "username": "backup", "service": true, "scopes": ["notes:read"] });
    let program = walk.call("POST", users, &[], admin, &service);
    walk.call("POST", users, &[], admin, &service);
    let (person, program) = (text(&person["id"]), text(&program["id"]));
    walk.call("GET", users, &[], admin, &nothing);
    walk.call("GET", &user(""), &[&person], admin, &nothing);
    let scopes = json!({ "scopes": ["notes:read"] });
    walk.call("PUT", &user("/scopes"), &[&person], admin, &scopes);
    walk.call("PUT", &user("/scopes"), &[admins_id], admin, &scopes);
    let password = json!({ "password": "a wholly different phrase" });
    walk.call("PUT", &user("/password"), &[&person], admin, &password);
    walk.call("PUT", &user("/password"), &[&program], admin, &password);
    let wish = |scope: &str| json!({ "name": "backup-1", "scopes": [scope] });
    let tokens = user("/tokens");
    let made = walk.call("POST", &tokens, &[&program], admin, &wish("notes:read"));
    walk.call("POST", &tokens, &[&program], admin, &wish("notes:write"));
    walk.call("POST", &tokens, &[&person], admin, &wish("notes:read"));
    walk.call("GET", &tokens, &[&program], admin, &nothing);
    let ids = [program.as_str(), &text(&made["token_id"])];
    walk.call("DELETE", &user("/tokens/{token}"), &ids, admin, &nothing);
    walk.call("DELETE", &tokens, &[&program], admin, &nothing);
    for who in [program.as_str(), admins_id] {
        walk.call("POST", &user("/disable"), &[who], admin, &nothing);
    }
    walk.call("POST", &tokens, &[&program], admin, &wish("notes:read"));
    walk.call("POST", &user("/enable"), &[&program], admin, &nothing);
    walk.call("POST", &user("/unblock"), &[&person], admin, &nothing);
    walk.call("DELETE", &user(""), &[&person], admin, &nothing);
    walk.call("DELETE", &user(""), &[admins_id], admin, &nothing);
    walk.call("DELETE", "/v1/me", &[], admin, &json!({ "password": PASSWORD }));
    walk.call("GET", "/v1/admin/audit-events", &[], admin, &nothing);
}

/// What a service does that is set to let nobody in, to allow few tokens, and to be impatient with guessing.
fn strict(walk: &Walk<'_>, admin: &str) {
    walk.call("POST", "/v1/users", &[], "", &credentials("eve"));
    let wish = json!({ "name": "one more", "scopes": [] });
    for _ in 0..2 {
        walk.call("POST", "/v1/tokens", &[], admin, &wish);
    }
    let service = json!({ "username": "reports", "service": true });
    let id = text(&walk.call("POST", "/v1/admin/users", &[], admin, &service)["id"]);
    for _ in 0..3 {
        walk.call("POST", "/v1/admin/users/{id}/tokens", &[&id], admin, &wish);
    }
    // Two programs' tokens from before, where two are all that may be.
    walk.call("POST", "/v1/login", &[], "", &credentials("full"));
    let wrong = json!({ "username": "root", "password": "wrong", "current_password": "wrong", "new_password": "wrong" });
    for _ in 0..3 {
        walk.call("DELETE", "/v1/me", &[], admin, &wrong);
    }
    walk.call("PUT", "/v1/me/password", &[], admin, &wrong);
    walk.call("POST", "/v1/login", &[], "", &wrong);
}

/// What a service that is impatient answers those who announce a body and do not send it.
fn dawdling(walk: &Walk<'_>, admin: &str) {
    let id = nobody();
    for operation in walk.document.operations() {
        let Some((media, _)) = operation.body() else {
            continue;
        };
        let request = operation
            .example(&[&id, &id])
            .header("Authorization", format!("Bearer {admin}"))
            .header("Content-Type", media)
            .header("Content-Length", "10");
        // On a busy machine the head may be late as well; to that the answer is empty, as to what is no HTTP.
        let mut answers = std::iter::repeat_with(|| request.send(walk.service.address()));
        let answer = answers.find(|answer| !answer.body.is_empty()).unwrap();
        walk.note(&operation.method, operation.path, &answer);
    }
}

/// What is answered without a database, by an operation that has everything right.
fn outage(document: &Document, seen: &RefCell<BTreeSet<Outcome>>) {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let service = start_service(&postgres.url(), &[]);
    let walk = Walk {
        document,
        service: &service,
        seen,
    };
    let (token, _) = walk.sign_up("ada");
    postgres.stop().unwrap();
    let unknown = jeton_domain::PlainToken::generate(&mut rand::rng());
    let id = nobody();
    for operation in document
        .operations()
        .iter()
        .filter(|one| one.tells(document, "503", "unavailable"))
    {
        let mut request = operation.example(&[&id, &id]);
        if operation.is_guarded() {
            request = request.header("Authorization", format!("Bearer {}", unknown.expose_secret()));
        }
        if let Some((media, example)) = operation.body() {
            request = request.header("Content-Type", media).body(example.to_string());
        }
        walk.ask(&operation.method, operation.path, &request);
    }
    for path in ["/livez", "/openapi.json", "/docs"] {
        walk.call("GET", path, &[], &token, &Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_described_happens_as_it_is_described() {
    let document = Document::read();
    let seen = RefCell::default();
    let auth = Auth::start();
    let walk = Walk {
        document: &document,
        service: &auth.service,
        seen: &seen,
    };
    let root = auth
        .sign_up_with("root", "admin tokens:introspect notes:read")
        .await;
    let admins_id = root.me().await.unwrap().user.id.to_string();
    let admin = root.token().expose_secret().to_owned();
    let (powerless, _) = walk.sign_up("fay");
    let wish = json!({ "name": "nightly", "scopes": [] });
    let personal = text(&walk.call("POST", "/v1/tokens", &[], &powerless, &wish)["token"]);
    walk.form("/v1/introspect", &admin, &powerless);
    walk.form("/v1/introspect", &admin, "jtn_mistyped");
    walk.call("GET", "/readyz", &[], "", &Value::Null);
    faults(&walk, &admin, &powerless, &personal);
    account(&walk);
    administration(&walk, &admin, &admins_id);
    let (full, _) = walk.sign_up("full");
    for _ in 0..2 {
        walk.call("POST", "/v1/tokens", &[], &full, &wish);
    }
    let settings = [
        ("JETON_SIGNUP", "closed"),
        ("JETON_TOKENS_PER_USER", "2"),
        ("JETON_ACCOUNT_FAILURES", "4"),
    ];
    let service = start_service(auth.role.url(), &settings);
    strict(
        &Walk {
            document: &document,
            service: &service,
            seen: &seen,
        },
        &admin,
    );
    let hasty = start_service(auth.role.url(), &[("JETON_NETWORK_FAILURES", "4")]);
    Walk {
        document: &document,
        service: &hasty,
        seen: &seen,
    }
    .call("POST", "/v1/users", &[], "", &credentials("gil"));
    let impatient = start_service(auth.role.url(), &[("JETON_CLIENT_TIMEOUT", "200ms")]);
    let walk = Walk {
        service: &impatient,
        ..walk
    };
    dawdling(&walk, &admin);
    outage(&document, &seen);

    let seen = seen.into_inner();
    // A defect: there is none to show.
    let missing: Vec<_> = document
        .outcomes()
        .into_iter()
        .filter(|one| one.3 != "internal" && !seen.contains(one))
        .collect();
    assert!(missing.is_empty(), "described, and not seen: {missing:#?}");
}
