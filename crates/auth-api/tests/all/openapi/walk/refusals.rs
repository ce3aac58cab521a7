//! What goes wrong.

use super::*;
use crate::support::on_own_postgres;

/// What can be wrong with any request, for whatever operation can be asked wrongly so; and what is there to be read.
pub(super) fn faults(walk: &Walk<'_>, admin: &str, powerless: &str, personal: &str) {
    let id = nobody();
    for operation in walk.document.operations() {
        let (method, path) = (operation.method.as_str(), operation.path);
        let plain = || operation.example(&[&id, &id]);
        let with = |token: &str| plain().header("Authorization", format!("Bearer {token}"));
        let ask = |request: RawRequest| drop(walk.ask(method, path, &request));
        if method == "GET" && !path.contains('{') {
            ask(with(admin));
        }
        if operation.is_guarded() {
            ask(plain());
            ask(with("jtn_mistyped"));
            ask(with(admin).header("Authorization", "Bearer twice"));
        }
        if operation.tells(walk.document, "400", "malformed-query") {
            let slip = if path == "/v1/verify" {
                "?scope="
            } else {
                "?limit=none"
            };
            let target = path.replace("{id}", &id) + slip;
            ask(RawRequest::new(method, &target).header("Authorization", format!("Bearer {admin}")));
        }
        if operation.tells(walk.document, "422", "validation") {
            let target = path.replace("{id}", &id).replace("{token}", &id) + "?surprise";
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

/// What a service does that is set to let nobody in, to allow few tokens, and to be impatient with guessing.
pub(super) fn strict(walk: &Walk<'_>, admin: &str) {
    walk.call("POST", "/v1/users", &[], "", &credentials("eve"));
    let wish = json!({ "name": "one more", "scopes": [] });
    for _ in 0..2 {
        walk.call("POST", "/v1/tokens", &[], admin, &wish);
    }
    let service = json!({ "username": "reports", "service": true });
    let id = text(&walk.call("POST", "/v1/admin/users", &[], admin, &service)["id"]);
    let tokens = "/v1/admin/users/{id}/tokens";
    let made = walk.call("POST", tokens, &[&id], admin, &wish);
    for _ in 0..2 {
        walk.call("POST", tokens, &[&id], admin, &wish);
    }
    walk.call("POST", "/v1/token/renew", &[], &text(&made["token"]), &json!({}));
    // Two programs' tokens from before, where two are all that may be.
    walk.call("POST", "/v1/login", &[], "", &credentials("full"));
    let wrong = json!({ "password": "wrong" });
    for _ in 0..3 {
        walk.call("DELETE", "/v1/me", &[], admin, &wrong);
    }
    let wrong = json!({ "current_password": "wrong", "new_password": "wrong" });
    walk.call("PUT", "/v1/me/password", &[], admin, &wrong);
    walk.call("PATCH", "/v1/me", &[], admin, &json!({ "password": "wrong" }));
    let wrong = json!({ "username": "root", "password": "wrong" });
    walk.call("POST", "/v1/login", &[], "", &wrong);
}

/// What a service answers that lets a user do little in an hour.
pub(super) fn busy(walk: &Walk<'_>, token: &str) {
    let id = nobody();
    for operation in walk.document.operations() {
        if operation.is_guarded() && operation.tells(walk.document, "429", "too-many-attempts") {
            let mut request = operation
                .example(&[&id])
                .header("Authorization", format!("Bearer {token}"));
            if let Some((media, example)) = operation.body() {
                request = request.header("Content-Type", media).body(example.to_string());
            }
            for _ in 0..2 {
                walk.ask(&operation.method, operation.path, &request);
            }
        }
    }
}

/// What a service that is impatient answers those who announce a body and do not send it.
pub(super) fn dawdling(walk: &Walk<'_>, admin: &str) {
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
pub(super) fn outage(document: &Document, seen: &RefCell<BTreeSet<Outcome>>) {
    let (postgres, service, _) = on_own_postgres(&[]);
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
    let id = json!({ "client_id": id, "token": "jtn_mistyped" });
    for path in [
        "/v1/token",
        "/v1/device_authorization",
        "/v1/revoke",
        "/v1/introspect",
    ] {
        walk.plain_form(path, &id);
    }
    for path in [
        "/livez",
        "/openapi.json",
        "/docs",
        "/authorize",
        "/device",
        "/account/apps",
    ] {
        walk.call("GET", path, &[], &token, &Value::Null);
    }
}
