//! Everything that the document says may happen, made to happen, and held against what the document says of it.

mod delegation;
mod refusals;
mod users;

use super::document::{Document, Operation, Outcome};
use crate::support::{Auth, PASSWORD, start_service};
use jeton_client::ExposeSecret;
use jeton_proof_support::{Endpoint, RawRequest, RawResponse};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Requests to one service, with one token, and what became of them.
struct Walk<'a> {
    document: &'a Document,
    service: &'a Endpoint,
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

    /// As a client asks that says all in its form.
    fn plain_form(&self, path: &str, fields: &Value) -> Value {
        let fields = fields.as_object().unwrap().iter();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.map(|(name, value)| (name, value.as_str().unwrap())))
            .finish();
        let request = RawRequest::new("POST", path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body);
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
    refusals::faults(&walk, &admin, &powerless, &personal);
    delegation::apps(&walk, &auth, &admin);
    users::account(&walk);
    users::administration(&walk, &admin, &admins_id);
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
    refusals::strict(
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
    let busy = start_service(auth.role.url(), &[("JETON_USER_ACTS", "1")]);
    let busy = Walk {
        document: &document,
        service: &busy,
        seen: &seen,
    };
    refusals::busy(&busy, &powerless);
    let narrow = start_service(auth.role.url(), &[("JETON_NETWORK_AUTHORIZATIONS", "10")]);
    delegation::too_many(
        &Walk {
            service: &narrow,
            ..walk
        },
        &auth,
    );
    let elsewhere = [("JETON_PAGES_URL", "https://login.example.org")];
    let elsewhere = start_service(auth.role.url(), &elsewhere);
    for path in ["/authorize", "/device", "/account/apps"] {
        Walk {
            service: &elsewhere,
            ..walk
        }
        .call("GET", path, &[], "", &Value::Null);
    }
    let impatient = start_service(auth.role.url(), &[("JETON_CLIENT_TIMEOUT", "200ms")]);
    let walk = Walk {
        service: &impatient,
        ..walk
    };
    refusals::dawdling(&walk, &admin);
    refusals::outage(&document, &seen);

    let seen = seen.into_inner();
    // A defect: there is none to show.
    let missing: Vec<_> = document
        .outcomes()
        .into_iter()
        .filter(|one| one.2 != 500 && !seen.contains(one))
        .collect();
    assert!(missing.is_empty(), "described, and not seen: {missing:#?}");
}
