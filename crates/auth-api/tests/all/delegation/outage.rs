//! The database away, at each step: a client is never told that what it holds is worth nothing.

use super::devices::new_tv;
use super::{App, body, form};
use crate::support::{json, on_own_postgres, sign_up};
use jeton_client::ExposeSecret;
use jeton_proof_support::{RawRequest, RawResponse};
use serde_json::{Value, json};

#[tokio::test]
async fn a_database_that_is_away_is_503_at_each_step() {
    let (postgres, service, client) = on_own_postgres(&[]);
    let ada = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let connection = &mut jeton_proof_support::try_connect(&postgres.url()).unwrap();
    let app = App::confidential_in(connection, "Server app");
    let send = |request: &RawRequest| -> RawResponse { request.send(service.address()) };
    let bearer = format!("Bearer {}", ada.token().expose_secret());
    let begin = json("POST", "/v1/authorizations", &json!(app.request()).to_string());
    let begun = || body(&send(&begin))["id"].as_str().unwrap().to_owned();
    let approve = |id: &str| {
        json("POST", &format!("/v1/authorizations/{id}/approve"), "{}").header("Authorization", &bearer)
    };
    let code = || {
        let to = body(&send(&approve(&begun())))["redirect_to"]
            .as_str()
            .unwrap()
            .to_owned();
        super::parameters(&json!(to))["code"].clone()
    };
    let tokens = body(&send(&form("/v1/token", &app.exchange(&code()))));
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (waiting, unused) = (begun(), code());
    let steps = [
        begin.clone(),
        approve(&waiting),
        form("/v1/token", &app.exchange(&unused)),
        form("/v1/token", &app.refresh(&refresh)),
        form("/v1/revoke", &app.signed(vec![("token", refresh.clone())])),
        form("/v1/introspect", &app.signed(vec![("token", refresh.clone())])),
        RawRequest::new("GET", "/v1/grants").header("Authorization", &bearer),
        RawRequest::new("GET", "/.well-known/oauth-authorization-server"),
    ];
    postgres.stop().unwrap();
    for step in &steps {
        let answer = send(step);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("Retry-After").is_some());
        assert_ne!(body(&answer)["error"], "invalid_grant");
    }
    postgres.start().unwrap();
    // What they hold is worth what it was.
    let again = |request: &RawRequest| loop {
        let answer = send(request);
        if answer.status != 503 {
            return answer.status;
        }
    };
    assert_eq!(again(&form("/v1/token", &app.exchange(&unused))), 200);
    assert_eq!(again(&form("/v1/token", &app.refresh(&refresh))), 200);
    assert_eq!(again(&approve(&waiting)), 200);
}

#[tokio::test]
async fn a_database_that_is_away_is_503_at_each_step_of_a_device() {
    let (postgres, service, client) = on_own_postgres(&[]);
    let ada = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let connection = &mut jeton_proof_support::try_connect(&postgres.url()).unwrap();
    let tv = App::create(connection, &new_tv("TV"));
    let bearer = format!("Bearer {}", ada.token().expose_secret());
    let send = |request: &RawRequest| -> RawResponse { request.send(service.address()) };
    let again = |request: &RawRequest| loop {
        let answer = send(request);
        if answer.status != 503 {
            return answer;
        }
    };
    let begin = form(
        "/v1/device_authorization",
        &tv.signed(vec![("scope", "notes:read".to_owned())]),
    );
    let enter = |device: &Value| {
        let typed = json!({ "user_code": device["user_code"] }).to_string();
        json("POST", "/v1/authorizations", &typed)
    };
    let decide = |id: &Value, how: &str| {
        let path = format!("/v1/authorizations/{}/{how}", id.as_str().unwrap());
        json("POST", &path, "{}").header("Authorization", &bearer)
    };
    let poll = |device: &Value| form("/v1/token", &tv.poll(device));
    let [untyped, typed, approved] = [(); 3].map(|()| body(&send(&begin)));
    let id = body(&send(&enter(&typed)))["id"].clone();
    let other = body(&send(&enter(&approved)))["id"].clone();
    assert_eq!(send(&decide(&other, "approve")).status, 200);

    postgres.stop().unwrap();
    for step in [
        begin.clone(),
        enter(&untyped),
        decide(&id, "approve"),
        decide(&id, "deny"),
        poll(&untyped),
        poll(&approved),
    ] {
        let answer = send(&step);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("Retry-After").is_some());
        // Each of these would end the device's polling (RFC 8628 §3.5).
        let error = &body(&answer)["error"];
        assert!(
            !["invalid_grant", "access_denied", "expired_token"]
                .iter()
                .any(|end| error == end)
        );
    }
    postgres.start().unwrap();
    assert_eq!(again(&begin).status, 200);
    assert_eq!(again(&enter(&untyped)).status, 201);
    assert_eq!(body(&again(&poll(&untyped)))["error"], "authorization_pending");
    let given = again(&poll(&approved));
    assert_eq!(given.status, 200, "{given:?}");
    let refresh = body(&given)["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(again(&form("/v1/token", &tv.refresh(&refresh))).status, 200);
    assert_eq!(again(&decide(&id, "approve")).status, 200);
    assert_eq!(again(&poll(&typed)).status, 200);
}
