//! The device flow (RFC 8628).

use super::{App, body, form, new_client};
use crate::support::{Auth, json};
use jeton_client::Session;
use jeton_domain::AuditContext;
use jeton_domain::ExposeSecret;
use jeton_domain::delegation::{DeviceCode, GrantType, NewClient, UserCode};
use jeton_persistence::delegation::clients;
use jeton_proof_support::{RawResponse, count};
use serde_json::{Value, json};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client without a browser.
pub(crate) fn new_tv(name: &str) -> NewClient {
    NewClient {
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::DeviceCode, GrantType::RefreshToken],
        ..new_client(name)
    }
}

fn tv(auth: &Auth, name: &str) -> App {
    App::create(&mut auth.connect(), &new_tv(name))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl App {
    fn device(&self, auth: &Auth) -> Value {
        let scope = vec![("scope", "notes:read notes:write".to_owned())];
        let answer = auth.send(&form("/v1/device_authorization", &self.signed(scope)));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        body(&answer)
    }

    pub(crate) fn poll(&self, device: &Value) -> Vec<(&'static str, String)> {
        self.signed(vec![
            ("grant_type", GRANT.to_owned()),
            ("device_code", text(&device["device_code"])),
        ])
    }
}

fn enter(auth: &Auth, code: &str) -> RawResponse {
    let typed = json!({ "user_code": code }).to_string();
    auth.send(&json("POST", "/v1/authorizations", &typed))
}

/// As if the interval had passed.
fn later(auth: &Auth) {
    auth.execute("UPDATE authorizations SET polled_at = polled_at - interval '100 s'");
}

/// Types the code and decides.
fn decide(auth: &Auth, ada: &Session, device: &Value, how: &str) -> RawResponse {
    let entered = enter(auth, device["user_code"].as_str().unwrap());
    assert_eq!(entered.status, 201, "{entered:?}");
    auth.decide(ada, &text(&body(&entered)["id"]), how, json!({}))
}

#[tokio::test]
async fn a_device_gets_tokens_once_its_code_was_typed_and_approved() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let device = tv.device(&auth);
    let code = text(&device["user_code"]);
    assert!(UserCode::parse(&code).is_ok() && code.len() == 9, "{code}");
    let page = text(&device["verification_uri"]);
    assert!(page.starts_with("http://") && page.ends_with("/device"), "{page}");
    // Nothing that has the code in it: who is sent a link would approve what another has begun.
    assert!(device.get("verification_uri_complete").is_none());
    assert_eq!(
        (&device["expires_in"], &device["interval"]),
        (&json!(600), &json!(5))
    );
    assert_eq!(auth.error_of(&tv.poll(&device)), "authorization_pending");

    let typed = code.to_lowercase().replace('-', "");
    let entered = enter(&auth, &typed);
    assert_eq!(entered.status, 201, "{entered:?}");
    let entered = body(&entered);
    assert_eq!(
        entered["client"],
        json!({ "name": "TV", "redirect_host": null, "first_party": false })
    );
    assert_eq!(entered["scopes"][0]["title"], "Read your notes");
    let id = text(&entered["id"]);
    let shown = body(&auth.show(&ada, &id));
    assert_eq!(
        (&shown["consented"], &shown["client"]),
        (&json!(false), &entered["client"])
    );
    let narrowed = json!({ "scopes": ["notes:read"] });
    let approved = auth.decide(&ada, &id, "approve", narrowed);
    assert_eq!(
        (approved.status, body(&approved)),
        (200, json!({ "redirect_to": null }))
    );

    let tokens = body(&auth.token(&tv.poll(&device)));
    assert_eq!(tokens["scope"], "notes:read");
    assert!(auth.accepts(&tokens["access_token"]));
    let refresh = tv.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.token(&refresh).status, 200);
    assert_eq!(auth.grants(&ada).len(), 1);
    // Once for each code.
    assert_eq!(auth.error_of(&tv.poll(&device)), "invalid_grant");
    assert!(auth.accepts(&tokens["access_token"]));
    // Whom the user knows is asked all the same: another may have sent the code.
    let again = body(&enter(&auth, &text(&tv.device(&auth)["user_code"])));
    assert_eq!(body(&auth.show(&ada, &text(&again["id"])))["consented"], false);
}

#[tokio::test]
async fn a_device_is_told_what_the_user_has_decided_and_when_time_is_over() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let device = tv.device(&auth);
    assert_eq!(decide(&auth, &ada, &device, "deny").status, 200);
    for _ in 0..2 {
        assert_eq!(auth.error_of(&tv.poll(&device)), "access_denied");
    }
    let device = tv.device(&auth);
    assert_eq!(decide(&auth, &ada, &device, "approve").status, 200);
    let late = tv.device(&auth);
    let id = text(&body(&enter(&auth, &text(&late["user_code"])))["id"]);
    let untyped = tv.device(&auth);
    auth.execute("UPDATE authorizations SET expires_at = now() - interval '1 s'");
    for device in [&device, &late, &untyped] {
        assert_eq!(auth.error_of(&tv.poll(device)), "expired_token");
    }
    assert_eq!(auth.decide(&ada, &id, "approve", json!({})).status, 404);
    assert_eq!(enter(&auth, &text(&untyped["user_code"])).status, 404);
}

#[tokio::test]
async fn a_device_that_polls_too_fast_is_told_to_slow_down() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let device = tv.device(&auth);
    let interval = || {
        let seconds = |secs: i32| {
            count(
                &mut auth.connect(),
                &format!("authorizations WHERE interval_secs = {secs}"),
            )
        };
        (1..=60).find(|secs| seconds(*secs) == 1).unwrap()
    };
    assert_eq!(auth.error_of(&tv.poll(&device)), "authorization_pending");
    assert_eq!(auth.error_of(&tv.poll(&device)), "slow_down");
    assert_eq!(interval(), 10);
    later(&auth);
    assert_eq!(auth.error_of(&tv.poll(&device)), "authorization_pending");
    assert_eq!(interval(), 10);
    for _ in 0..15 {
        assert_eq!(auth.error_of(&tv.poll(&device)), "slow_down");
    }
    assert_eq!(interval(), 60);
    // Whoever has nothing to wait for does not.
    decide(&auth, &ada, &device, "approve");
    assert_eq!(auth.token(&tv.poll(&device)).status, 200);
}

/// Who loads the page again, or signs in elsewhere, types it again.
#[tokio::test]
async fn a_code_can_be_typed_until_it_is_decided_and_that_is_once() {
    let (auth, ada) = Auth::with_ada().await;
    let bea = auth.sign_up("bea").await;
    let tv = tv(&auth, "TV");
    for how in ["approve", "deny"] {
        let device = tv.device(&auth);
        let code = text(&device["user_code"]);
        let type_it = || text(&body(&enter(&auth, &code))["id"]);
        let (before, id) = (type_it(), type_it());
        for (who, id, what, right) in [
            (&bea, &before, "approve", 404),
            (&bea, &before, "deny", 404),
            (&ada, &id, how, 200),
            (&ada, &id, "approve", 404),
            (&bea, &id, "approve", 404),
            (&ada, &id, "deny", 404),
        ] {
            assert_eq!(auth.decide(who, id, what, json!({})).status, right, "{what}");
        }
        assert_eq!(enter(&auth, &code).status, 404);
        let polled = auth.token(&tv.poll(&device));
        assert_eq!(polled.status == 200, how == "approve", "{polled:?}");
    }
    assert_eq!((auth.grants(&ada).len(), auth.grants(&bea).len()), (1, 0));
}

/// As a link to the page would send it, with what an app asks with.
#[tokio::test]
async fn a_code_in_an_apps_request_is_not_typed() {
    let auth = Auth::start();
    let (tv, app) = (tv(&auth, "TV"), App::public(&auth));
    let code = text(&tv.device(&auth)["user_code"]);
    let mut request = app.request();
    request.insert("user_code", code.clone());
    assert_eq!(auth.begin(&request).status, 400);
    for (name, value) in app.request() {
        let one = [("user_code", code.clone()), (name, value)].into();
        let refused = auth.begin(&one);
        assert_eq!(refused.status, 400, "{name}");
        assert_eq!(body(&refused)["redirect_to"], Value::Null);
    }
    assert_eq!(enter(&auth, &code).status, 201);
}

/// However many type at once, decide at once, or poll at once, one of them has it.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_decides_and_one_gets_the_tokens() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let device = tv.device(&auth);
    let code = text(&device["user_code"]);
    fn at_once(ask: impl Fn(usize) -> RawResponse + Sync) -> Vec<RawResponse> {
        std::thread::scope(|scope| {
            let ask = &ask;
            let all: Vec<_> = (0..8).map(|i| scope.spawn(move || ask(i))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }
    let entered = at_once(|_| enter(&auth, &code));
    assert!(entered.iter().all(|answer| answer.status == 201), "{entered:?}");
    let ids: Vec<_> = entered.iter().map(|answer| text(&body(answer)["id"])).collect();
    let approved = at_once(|i| auth.decide(&ada, &ids[i], "approve", json!({})));
    let approved = approved.iter().filter(|answer| answer.status == 200);
    assert_eq!(approved.count(), 1);
    let polled = at_once(|_| auth.token(&tv.poll(&device)));
    let given: Vec<_> = polled.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1);
    assert!(auth.accepts(&body(given[0])["access_token"]));
}

/// By whichever instance; and a code that is right counts for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_codes_is_rate_limited_by_network() {
    let settings = [("JETON_NETWORK_FAILURES", "20")];
    let auth = Auth::start_with(&settings);
    let other = crate::support::start_service(auth.role.url(), &settings);
    let tv = tv(&auth, "TV");
    for _ in 0..30 {
        let device = tv.device(&auth);
        assert_eq!(enter(&auth, &text(&device["user_code"])).status, 201);
    }
    let device = tv.device(&auth);
    let guess = |i: usize| {
        let code = UserCode::generate(&mut rand::rng()).to_string();
        let guess = json(
            "POST",
            "/v1/authorizations",
            &json!({ "user_code": code }).to_string(),
        );
        match i % 2 {
            0 => auth.send(&guess),
            _ => guess.send(other.address()),
        }
        .status
    };
    let guesses = (0..60).map(guess).filter(|status| *status == 404).count();
    // One more comes back every three minutes.
    assert!((20..=21).contains(&guesses), "{guesses}");
    let refused = enter(&auth, &text(&device["user_code"]));
    assert_eq!(refused.status, 429);
    assert!(refused.header("Retry-After").is_some());
    // What cannot be a code is none, and asks the database nothing.
    for typed in ["", "BCDF", "aeiou-aei", "BCDF-GHJ1", "BCDFGHJKL"] {
        assert!([400, 404].contains(&enter(&auth, typed).status), "{typed}");
    }
}

#[tokio::test]
async fn a_device_code_is_its_clients_alone() {
    let (auth, ada) = Auth::with_ada().await;
    let (tv, other) = (tv(&auth, "TV"), tv(&auth, "Other TV"));
    let device = tv.device(&auth);
    decide(&auth, &ada, &device, "approve");
    assert_eq!(auth.error_of(&other.poll(&device)), "invalid_grant");
    let unknown = DeviceCode::generate(&mut rand::rng());
    for code in ["jtd_mistyped", unknown.expose_secret()] {
        assert_eq!(
            auth.error_of(&tv.poll(&json!({ "device_code": code }))),
            "invalid_grant"
        );
    }
    let missing = tv.signed(vec![("grant_type", GRANT.to_owned())]);
    assert_eq!(auth.error_of(&missing), "invalid_request");
    // None of that has used it.
    assert_eq!(auth.token(&tv.poll(&device)).status, 200);
}

#[tokio::test]
async fn a_client_or_user_disabled_meanwhile_gets_nothing() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let (typed, approved) = (tv.device(&auth), tv.device(&auth));
    let (waiting, of_a_user) = (tv.device(&auth), tv.device(&auth));
    let id = text(&body(&enter(&auth, &text(&typed["user_code"])))["id"]);
    decide(&auth, &ada, &approved, "approve");
    decide(&auth, &ada, &of_a_user, "approve");
    let client = tv.client.id;
    auth.revoke(|connection| clients::disable(connection, &AuditContext::cli(), client));
    assert_eq!(auth.error_of(&tv.poll(&approved)), "invalid_client");
    assert_eq!(auth.decide(&ada, &id, "approve", json!({})).status, 404);
    assert_eq!(enter(&auth, &text(&waiting["user_code"])).status, 404);
    let start = form("/v1/device_authorization", &tv.signed(Vec::new()));
    assert_eq!(body(&auth.send(&start))["error"], "invalid_client");

    auth.revoke(|connection| clients::enable(connection, &AuditContext::cli(), client));
    assert_eq!(auth.token(&tv.poll(&approved)).status, 200);
    auth.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(auth.error_of(&tv.poll(&of_a_user)), "invalid_grant");
    auth.execute("UPDATE users SET disabled_at = NULL");
    // A grant that was taken back takes along what was approved by it.
    auth.execute("DELETE FROM grants");
    assert_eq!(auth.error_of(&tv.poll(&of_a_user)), "invalid_grant");
}

#[tokio::test]
async fn a_device_asks_for_no_more_than_its_client_may() {
    let auth = Auth::start();
    let tv = tv(&auth, "TV");
    let app = App::public(&auth);
    let error = |form_of: Vec<(&'static str, String)>| {
        let answer = auth.send(&form("/v1/device_authorization", &form_of));
        text(&body(&answer)["error"])
    };
    for (scope, right) in [
        ("admin", "invalid_scope"),
        ("tokens:revoke", "invalid_scope"),
        ("notes:read notes:delete", "invalid_scope"),
        ("a\"b", "invalid_scope"),
    ] {
        assert_eq!(
            error(tv.signed(vec![("scope", scope.to_owned())])),
            right,
            "{scope}"
        );
    }
    let elsewhere = vec![
        ("scope", "photos:read".to_owned()),
        ("resource", "https://notes.example/".to_owned()),
    ];
    assert_eq!(error(tv.signed(elsewhere)), "invalid_target");
    assert_eq!(error(app.signed(Vec::new())), "unauthorized_client");
    assert_eq!(error(Vec::new()), "invalid_client");
    assert_eq!(auth.error_of(&app.poll(&tv.device(&auth))), "unauthorized_client");
}

#[tokio::test]
async fn codes_of_devices_are_in_no_log_and_in_no_table_but_while_they_wait() {
    let (auth, ada) = Auth::with_ada().await;
    let tv = tv(&auth, "TV");
    let device = tv.device(&auth);
    decide(&auth, &ada, &device, "approve");
    auth.token(&tv.poll(&device));
    let code = UserCode::parse(device["user_code"].as_str().unwrap()).unwrap();
    let written = format!("audit_events WHERE detail::text LIKE '%{}%'", code.as_str());
    assert_eq!(count(&mut auth.connect(), &written), 0);
    assert_eq!(count(&mut auth.connect(), "authorizations"), 0);
}
