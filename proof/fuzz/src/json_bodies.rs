//! Every JSON body that the auth API takes.

use super::body::{JSON, check_refusal, extract, sent};
use jeton_api_types::{
    ChangePasswordRequest, CreateTokenRequest, CreateUserRequest, DeleteAccountRequest, LoginRequest,
    RenameTokenRequest, SetPasswordRequest, SetScopesRequest, SignUpRequest,
};
use jeton_http_kit::{Json, JsonOrForm};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

pub fn check(data: &[u8]) {
    read::<SignUpRequest>(data, &["username", "password", "email"]);
    read::<ChangePasswordRequest>(data, &["current_password", "new_password"]);
    read::<DeleteAccountRequest>(data, &["password"]);
    read::<CreateTokenRequest>(data, &["name", "scopes", "scope", "expires_in"]);
    read::<RenameTokenRequest>(data, &["name"]);
    read::<CreateUserRequest>(
        data,
        &["username", "password", "email", "service", "scopes", "scope"],
    );
    read::<SetScopesRequest>(data, &["scopes", "scope"]);
    read::<SetPasswordRequest>(data, &["password", "allow_sign_in"]);
    read::<LoginRequest>(
        data,
        &["username", "password", "name", "scopes", "scope", "expires_in"],
    );
    // Where a form would do as well, JSON is read no differently.
    let (either, alone) = (
        extract::<JsonOrForm<LoginRequest>>(JSON, data),
        extract::<Json<LoginRequest>>(JSON, data),
    );
    assert_eq!(either.map(|body| sent(&body.0)), alone.map(|body| sent(&body.0)));
}

fn read<T: Serialize + DeserializeOwned + 'static>(data: &[u8], fields: &[&str]) {
    // A byte order mark is ignored.
    let json = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data);
    let text: Option<Value> = serde_json::from_slice(json).ok();
    match extract::<Json<T>>(JSON, data) {
        Ok(Json(body)) => {
            assert!(text.is_none_or(|text| text.is_object()));
            let sent = sent(&body);
            let again = extract::<Json<T>>(JSON, sent.to_string().as_bytes());
            assert_eq!(again.map(|Json(body)| super::body::sent(&body)), Ok(sent));
        }
        Err(problem) => {
            check_refusal(&problem, fields);
            // Where it is well-formed, and nowhere else, a field is named.
            let well_formed = serde_json::from_slice::<IgnoredAny>(json).is_ok();
            assert_eq!(problem.errors.is_empty(), problem.status != 422);
            assert!(well_formed || problem.status == 400, "{problem:?}");
            assert!(text.is_none() || problem.status == 422, "{problem:?}");
        }
    }
}
