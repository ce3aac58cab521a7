//! What the service writes into the audit log, by way of its own role.

use crate::support::{Auth, PASSWORD, json, kind, token_request};
use jeton_client::ProblemKind;
use jeton_domain::UserId;
use jeton_persistence::audit::{AuditEvent, AuditFilter, list};
use jeton_persistence::users;
use jeton_proof_support::RawRequest;

/// All events, the oldest first.
fn events(auth: &Auth) -> Vec<AuditEvent> {
    let mut events = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    events.reverse();
    events
}

fn actions(auth: &Auth) -> Vec<String> {
    events(auth).into_iter().map(|event| event.action).collect()
}

#[tokio::test]
async fn a_life_is_written_down() {
    let auth = Auth::start();
    let first = auth.sign_up("ada").await;
    let session = auth.sign_in("ada").await;
    let request = token_request("backup", &["notes:read"]);
    let personal = session.tokens().create(&request).await.unwrap();
    session
        .tokens()
        .rename(personal.token_id, "nightly")
        .await
        .unwrap();
    session.tokens().revoke(personal.token_id).await.unwrap();
    auth.only_token(&first).logout().await.unwrap();
    let new = "a wholly different phrase";
    session.change_password(PASSWORD, new).await.unwrap();
    session.logout_all().await.unwrap();
    let last = auth.login("ada", new).await.unwrap();
    auth.client()
        .session(last.token)
        .unwrap()
        .delete_account(new)
        .await
        .unwrap();

    let events = events(&auth);
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "sign-up",
            "sign-in",
            "token-issued",
            "token-renamed",
            "token-revoked",
            "logout",
            "password-changed",
            "logout-all",
            "sign-in",
            "user-deleted"
        ]
    );
    for event in &events {
        assert_eq!(event.actor_id, Some(UserId(personal.user.id)), "{event:?}");
        assert_eq!(event.subject_id, event.actor_id);
        assert_eq!(event.subject_username.as_deref(), Some("ada"));
        assert_eq!(event.address, Some("127.0.0.1".parse().unwrap()));
        assert!(
            event.request_id.as_ref().is_some_and(|id| id.len() == 36),
            "{event:?}"
        );
    }
    assert_eq!(events[2].token_id.map(|id| id.0), Some(personal.token_id));
    assert_eq!(events[8].token_id.map(|id| id.0), Some(last.token_id));
}

#[tokio::test]
async fn a_failed_sign_in_says_why_and_never_what_was_typed() {
    let (auth, session) = Auth::with_ada().await;
    auth.sign_up("off").await;
    let off = auth.sign_in("off").await.me().await.unwrap().user.id;
    auth.revoke(|connection| users::disable(connection, &jeton_domain::AuditContext::cli(), UserId(off)));
    auth.execute("DELETE FROM audit_events");
    for (username, password) in [
        ("ada", "wrong-one-typed"),
        ("typed-where-the-name-goes", "ada"),
        ("typed where the name goes", "ada"),
        ("off", PASSWORD),
    ] {
        let refused = auth.login(username, password).await;
        assert_eq!(kind(refused), ProblemKind::InvalidCredentials);
    }
    let wrong = session
        .change_password("wrong-one-typed", "another-one-typed")
        .await;
    assert_eq!(kind(wrong), ProblemKind::WrongPassword);
    let wrong = session.delete_account("wrong-one-typed").await;
    assert_eq!(kind(wrong), ProblemKind::WrongPassword);

    let events = events(&auth);
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            let who = event.subject_username.as_deref().unwrap_or("-");
            let by = event.actor_label.as_deref().unwrap_or("user");
            format!("{} {who} by {by} {}", event.action, event.detail)
        })
        .collect();
    assert_eq!(
        said,
        [
            r#"sign-in-failed ada by anonymous {"reason":"wrong-password"}"#,
            r#"sign-in-failed - by anonymous {"reason":"unknown-user"}"#,
            r#"sign-in-failed - by anonymous {"reason":"unknown-user"}"#,
            r#"sign-in-failed off by anonymous {"reason":"disabled"}"#,
            "confirmation-failed ada by user {}",
            "confirmation-failed ada by user {}",
        ]
    );
    assert!(events.iter().all(|event| event.address.is_some()));
    assert!(!format!("{events:?}").contains("typed"), "{events:?}");
}

#[tokio::test]
async fn a_request_that_is_refused_before_it_is_looked_at_is_no_event() {
    let auth = Auth::start();
    for request in [
        json("POST", "/v1/login", "{}"),
        json(
            "POST",
            "/v1/login",
            r#"{"username": "ada", "password": "x", "expires_in": 0}"#,
        ),
        RawRequest::new("POST", "/v1/logout"),
        RawRequest::new("GET", "/v1/me").header("Authorization", "Bearer sesame"),
    ] {
        assert!(auth.send(&request).status >= 400);
    }
    assert_eq!(actions(&auth), [""; 0]);
}

/// One that is left in the log is one that was acknowledged, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn two_logouts_at_once_are_one_event() {
    let (auth, session) = Auth::with_ada().await;
    let (one, two) = (auth.only_token(&session), auth.only_token(&session));
    let (first, second) = tokio::join!(one.logout(), two.logout());
    first.and(second).unwrap();
    assert_eq!(actions(&auth), ["sign-up", "logout"]);
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_clients_own() {
    let proxied = |auth: &Auth| {
        let request = json("POST", "/v1/login", r#"{"username": "x", "password": "y"}"#);
        // One of the two the proxy has written; the other is as the client has sent it.
        let request = request.header("X-Forwarded-For", "1.1.1.1, 203.0.113.9");
        auth.send(&request.header("Forwarded", "for=8.8.8.8"));
        events(auth)[0].address.unwrap().to_string()
    };
    let trusting = ("JETON_TRUSTED_PROXIES", "192.0.2.0/24,127.0.0.0/8");
    assert_eq!(proxied(&Auth::start_with(&[trusting])), "203.0.113.9");
    let standard = ("JETON_FORWARDED_HEADER", "forwarded");
    assert_eq!(proxied(&Auth::start_with(&[trusting, standard])), "8.8.8.8");
    assert_eq!(proxied(&Auth::start()), "127.0.0.1");
}
