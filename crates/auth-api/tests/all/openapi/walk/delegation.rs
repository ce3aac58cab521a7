//! Apps, and what users let them do.

use super::*;
use crate::delegation::{App, REDIRECT_URI, VERIFIER, new_client};
use jeton_domain::delegation::GrantType;

fn form_of(pairs: Vec<(&'static str, String)>) -> Value {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

pub(super) fn apps(walk: &Walk<'_>, auth: &Auth, admin: &str) {
    let app = App::confidential(auth);
    let begin = |request: &Value| walk.call("POST", "/v1/authorizations", &[], "", request);
    let request = json!(app.request());
    let one = "/v1/authorizations/{id}";
    let approve = "/v1/authorizations/{id}/approve";
    let deny = "/v1/authorizations/{id}/deny";
    let mut wrong = request.clone();
    wrong["response_type"] = "token".into();
    assert!(text(&begin(&wrong)["redirect_to"]).starts_with(REDIRECT_URI));
    begin(&json!({ "client_id": app.id() }));
    begin(&json!({ "user_code": "BCDF-GHJK" }));
    let id = text(&begin(&request)["id"]);
    walk.call("GET", one, &[&id], admin, &Value::Null);
    let back = walk.call(
        "POST",
        approve,
        &[&id],
        admin,
        &json!({ "scopes": ["notes:read"] }),
    );
    let code = crate::delegation::parameters(&back["redirect_to"])["code"].clone();
    walk.call("POST", approve, &[&id], admin, &json!({}));
    let id = text(&begin(&request)["id"]);
    walk.call("POST", deny, &[&id], admin, &Value::Null);
    walk.call("POST", deny, &[&id], admin, &Value::Null);
    walk.call("GET", one, &[&id], admin, &Value::Null);

    assert!(!VERIFIER.is_empty());
    let tokens = walk.plain_form("/v1/token", &form_of(app.exchange(&code)));
    walk.plain_form("/v1/token", &form_of(app.exchange("no code")));
    walk.plain_form("/v1/token", &json!({ "client_id": nobody() }));
    let refresh = text(&tokens["refresh_token"]);
    let presented = |token: &str| form_of(app.signed(vec![("token", token.to_owned())]));
    for path in ["/v1/introspect", "/v1/revoke"] {
        walk.plain_form(path, &presented(&text(&tokens["access_token"])));
        walk.plain_form(path, &presented(&refresh));
        walk.plain_form(path, &form_of(app.signed(vec![])));
        walk.plain_form(path, &json!({ "client_id": nobody() }));
    }
    let id = text(&begin(&request)["id"]);
    walk.call("POST", approve, &[&id], admin, &json!({}));
    let grants = walk.call("GET", "/v1/grants", &[], admin, &Value::Null);
    let id = text(&grants["grants"][0]["id"]);
    walk.call("DELETE", "/v1/grants/{id}", &[&id], admin, &Value::Null);
    walk.call("DELETE", "/v1/grants/{id}", &[&id], admin, &Value::Null);
    walk.plain_form("/v1/device_authorization", &form_of(app.signed(vec![])));
    walk.plain_form("/v1/device_authorization", &json!({ "client_id": nobody() }));
    let device = device(auth, "A device");
    let codes = walk.plain_form("/v1/device_authorization", &form_of(device.signed(vec![])));
    begin(&json!({ "user_code": codes["user_code"] }));
}

fn device(auth: &Auth, name: &str) -> App {
    let mut new = new_client(name);
    new.grant_types = vec![GrantType::DeviceCode];
    new.redirect_uris.clear();
    App::create(&mut auth.connect(), &new)
}

/// Of one network, in an hour.
pub(super) fn too_many(walk: &Walk<'_>, auth: &Auth) {
    let (app, device) = (
        App::create(&mut auth.connect(), &new_client("Another app")),
        device(auth, "Another device"),
    );
    for _ in 0..11 {
        walk.call("POST", "/v1/authorizations", &[], "", &json!(app.request()));
    }
    walk.plain_form("/v1/device_authorization", &form_of(device.signed(vec![])));
}
