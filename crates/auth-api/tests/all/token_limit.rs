//! `JETON_TOKENS_PER_USER`.

use crate::support::{Auth, PASSWORD, json, kind, token_request};
use jeton_client::{CreateTokenRequest, ProblemKind};
use jeton_persistence::audit::{AuditFilter, list};
use jeton_proof_support::count;

const THREE: &[(&str, &str)] = &[("JETON_TOKENS_PER_USER", "3")];

fn program(name: &str) -> CreateTokenRequest {
    token_request(name, &[])
}

#[tokio::test]
async fn a_sign_in_too_many_ends_the_oldest_token_everywhere() {
    let auth = Auth::start_with(THREE);
    let second = crate::support::start_service(auth.database.url(), THREE);
    let elsewhere = jeton_client::AuthClient::new(&second.base_url()).unwrap();
    let mut sessions = vec![auth.sign_up("ada").await];
    for _ in 0..6 {
        if sessions.len() == 3 {
            let oldest = elsewhere.session(sessions.remove(0).token()).unwrap();
            // Known there, from memory.
            oldest.verify(&[]).await.unwrap();
            sessions.push(auth.sign_in("ada").await);
            assert_eq!(kind(oldest.verify(&[]).await), ProblemKind::InvalidToken);
        } else {
            sessions.push(auth.sign_in("ada").await);
        }
        for session in &sessions {
            auth.only_token(session).verify(&[]).await.unwrap();
        }
    }
    assert_eq!(sessions[0].tokens().list_all().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_program_too_many_is_refused_and_signing_in_is_not() {
    let auth = Auth::start_with(THREE);
    let session = auth.sign_up("ada").await;
    let mut programs = Vec::new();
    for name in ["first", "second"] {
        programs.push(session.tokens().create(&program(name)).await.unwrap());
    }
    assert_eq!(
        kind(session.tokens().create(&program("third")).await),
        ProblemKind::TooManyTokens
    );
    let again = auth.sign_in("ada").await;
    assert_eq!(
        kind(auth.only_token(&session).me().await),
        ProblemKind::InvalidToken
    );
    for program in &programs {
        let token = jeton_client::ExposeSecret::expose_secret(&program.token);
        auth.client().session(token).unwrap().me().await.unwrap();
    }
    again.tokens().revoke(programs[0].token_id).await.unwrap();
    again.tokens().create(&program("third")).await.unwrap();
}

/// Whoever tries stolen passwords has found one.
#[tokio::test]
async fn a_right_password_that_comes_to_nothing_is_written_down() {
    let auth = Auth::start_with(THREE);
    let session = auth.sign_up("ada").await;
    for name in ["first", "second"] {
        session.tokens().create(&program(name)).await.unwrap();
    }
    let fewer = [
        ("JETON_TOKENS_PER_USER", "2"),
        ("JETON_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let service = crate::support::start_service(auth.role.url(), &fewer);
    let body = |scopes: &str| format!(r#"{{"username": "ada", "password": "{PASSWORD}"{scopes}}}"#);
    for (body, status) in [(body(""), 409), (body(r#", "scopes": ["admin"]"#), 403)] {
        let request = json("POST", "/v1/login", &body).header("X-Forwarded-For", "203.0.113.9");
        assert_eq!(request.send(service.address()).status, status);
    }
    let mut events = list(&mut auth.connect(), &AuditFilter::default(), None, 2).unwrap();
    events.reverse();
    for (event, reason) in events.iter().zip(["too-many-tokens", "scope-not-held"]) {
        assert_eq!(event.action, "sign-in-failed");
        assert_eq!(event.subject_username.as_deref(), Some("ada"));
        assert_eq!(event.actor_label.as_deref(), Some("anonymous"));
        assert_eq!(event.detail["reason"], reason);
    }
    let known = "account_attempts WHERE network = '203.0.113.9'";
    assert_eq!(count(&mut auth.connect(), known), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sign_ins_at_once_stay_within_the_limit() {
    let auth = Auth::start_with(&[("JETON_TOKENS_PER_USER", "3"), ("JETON_HASHING_QUEUE", "100")]);
    auth.sign_up("ada").await;
    let all: Vec<_> = (0..16)
        .map(|_| {
            let client = auth.client();
            tokio::spawn(async move {
                client
                    .login(&crate::support::login("ada", crate::support::PASSWORD))
                    .await
            })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    let session = auth.sign_in("ada").await;
    assert_eq!(session.tokens().list_all().await.unwrap().len(), 3);
}
