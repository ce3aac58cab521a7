//! Nobody fills the audit log.

use crate::support::{Auth, PASSWORD, kind, login};
use jeton_client::{CreateTokenRequest, ProblemKind};
use jeton_persistence::audit::{AuditFilter, list};

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
