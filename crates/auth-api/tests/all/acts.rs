//! Nobody fills the audit log.

use crate::delegation::client_credentials::{server, wish as of_client};
use crate::delegation::{App, body, form};
use crate::support::{Auth, PASSWORD, kind, login};
use jeton_client::{CreateTokenRequest, ProblemKind};
use jeton_persistence::audit::{AuditFilter, list};
use jeton_proof_support::{RawRequest, count};
use serde_json::{Value, json};

const FIVE: &[(&str, &str)] = &[("JETON_USER_ACTS", "5")];

fn wish(name: &str) -> CreateTokenRequest {
    CreateTokenRequest {
        name: name.to_owned(),
        scopes: vec![],
        expires_in: None,
    }
}

/// The issue's own case: a token that is renamed back and forth.
#[tokio::test]
async fn a_user_has_so_many_acts_an_hour_and_revokes_all_the_same() {
    let auth = Auth::start_with(FIVE);
    let ada = auth.sign_up("ada").await;
    let id = ada.me().await.unwrap().token.id;
    let mut renamed = 0;
    let held_off = loop {
        match ada.tokens().rename(id, format!("name {renamed}")).await {
            Ok(_) => renamed += 1,
            Err(error) => break error,
        }
        assert!(renamed < 20, "there is an end");
    };
    assert_eq!(renamed, 5);
    assert_eq!(held_off.kind(), Some(ProblemKind::TooManyAttempts));
    assert!((1..=3600).contains(&held_off.retry_after().unwrap().as_secs()));
    // Whatever else is written down is the same user's.
    assert_eq!(
        kind(ada.tokens().create(&wish("x")).await),
        ProblemKind::TooManyAttempts
    );
    let changed = ada.change_password(PASSWORD, "a wholly different phrase").await;
    assert_eq!(kind(changed), ProblemKind::TooManyAttempts);
    let signed_in = auth.client().login(&login("ada", PASSWORD)).await;
    assert_eq!(kind(signed_in), ProblemKind::TooManyAttempts);
    let events = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    assert_eq!(events.len(), 6, "{events:#?}");
    // Others have acts of their own, reading is none, and nobody is kept from revoking.
    auth.sign_up("grace")
        .await
        .tokens()
        .create(&wish("x"))
        .await
        .unwrap();
    ada.tokens().list_all().await.unwrap();
    ada.tokens().revoke(id).await.unwrap();
    assert_eq!(kind(auth.only_token(&ada).me().await), ProblemKind::InvalidToken);
}

/// Signing in and out with the right password leaves two events each time.
#[tokio::test]
async fn signing_in_counts_and_a_right_password_is_no_failure() {
    let mut settings = FIVE.to_vec();
    settings.push(("JETON_ACCOUNT_FAILURES", "8"));
    let auth = Auth::start_with(&settings);
    let ada = auth.sign_up("ada").await;
    for _ in 0..5 {
        let session = auth.sign_in("ada").await;
        auth.only_token(&session).logout().await.unwrap();
    }
    for _ in 0..10 {
        let again = auth.client().login(&login("ada", PASSWORD)).await.unwrap_err();
        assert_eq!(again.kind(), Some(ProblemKind::TooManyAttempts));
    }
    ada.logout_all().await.unwrap();
    // None of them has failed: two wrong ones are let through, as on the first day.
    for _ in 0..2 {
        let wrong = auth.client().login(&login("ada", "wrong")).await;
        assert_eq!(kind(wrong), ProblemKind::InvalidCredentials);
    }
}

/// Gives back an app's token, in one of the ways that there are.
type GiveBack = fn(&Auth, &App, &Value) -> u16;

const WAYS_TO_GIVE_BACK: [(&str, GiveBack); 3] = [
    ("revoked by its client", |auth, app, token| {
        let token = token.as_str().unwrap().to_owned();
        auth.send(&form("/v1/revoke", &app.signed(vec![("token", token)])))
            .status
    }),
    ("revoked by itself", |auth, _, token| {
        let token = token.as_str().unwrap().to_owned();
        let header = format!("Bearer {token}");
        auth.send(&form("/v1/revoke", &[("token", token)]).header("Authorization", header))
            .status
    }),
    ("logged out", |auth, _, token| {
        let header = format!("Bearer {}", token.as_str().unwrap());
        let request = RawRequest::new("POST", "/v1/logout").header("Authorization", header);
        auth.send(&request).status
    }),
];

/// Refreshing leaves no event, and has no rate: what is given back after it leaves few.
#[tokio::test]
async fn an_app_fills_no_log_with_tokens_that_it_gives_back() {
    let auth = Auth::start_with(FIVE);
    let ada = auth.sign_up("ada").await;
    let app = App::confidential(&auth);
    let refresh = auth.tokens(&ada, &app)["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let robot = server(&auth, "robot", "notes:read");
    let events = |user: &str| {
        let of = format!(
            "audit_events WHERE action IN ('token-revoked', 'logout') AND subject_username = '{user}'"
        );
        count(&mut auth.connect(), &of)
    };
    for (way, give_back) in WAYS_TO_GIVE_BACK {
        for round in 0..4 {
            let of_ada = body(&auth.token(&app.refresh(&refresh)))["access_token"].clone();
            let of_robot = body(&auth.token(&of_client(&robot, &[])))["access_token"].clone();
            for (app, token) in [(&app, of_ada), (&robot, of_robot)] {
                let status = give_back(&auth, app, &token);
                assert!([200, 204].contains(&status), "{way}, {round}: {status}");
                assert!(!auth.accepts(&token), "{way}, {round}");
            }
        }
        // The first of all are written down.
        assert!(events("ada") >= 4 && events("robot") >= 4, "{way}");
    }
    assert_eq!((events("ada"), events("robot")), (5, 5));
    // None of these was an act of the user's, and a token of another kind is written down as ever.
    let session = auth.sign_in("ada").await;
    auth.only_token(&session).logout().await.unwrap();
    assert_eq!(events("ada"), 6);
}

#[tokio::test]
async fn refusing_apps_is_an_act() {
    let auth = Auth::start_with(FIVE);
    let ada = auth.sign_up("ada").await;
    let app = App::public(&auth);
    let statuses = (0..7).map(|_| {
        let id = body(&auth.begin(&app.request()))["id"].clone();
        auth.decide(&ada, id.as_str().unwrap(), "deny", json!({})).status
    });
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(
        count(&mut auth.connect(), "audit_events WHERE action = 'grant-denied'"),
        5
    );
}
