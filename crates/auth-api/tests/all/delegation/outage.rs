//! The database away, at each step: a client is never told that what it holds is worth nothing.

use super::{App, body, form};
use crate::support::{json, on_own_postgres, sign_up};
use jeton_client::ExposeSecret;
use jeton_proof_support::{RawRequest, RawResponse};
use serde_json::json;

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
