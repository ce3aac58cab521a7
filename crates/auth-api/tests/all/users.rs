use crate::support::{Auth, PASSWORD, kind, pointers, sign_up, start_service};
use jeton_client::ProblemKind::{InsufficientScope, SignupClosed, UsernameTaken};
use jeton_client::{ExposeSecret, SignUpRequest};
use jeton_persistence::users;
use std::collections::HashSet;
use std::sync::Arc;

#[tokio::test]
async fn creating_a_user_returns_a_token_that_works() {
    let auth = Auth::start();
    let issued = auth.client().sign_up(&sign_up("Ada")).await.unwrap();
    assert_eq!(issued.token_type, "Bearer");
    assert_eq!(issued.kind, "login");
    assert_eq!(issued.scopes, ["notes:read", "notes:write"]);
    assert_eq!(issued.user.username, "Ada");
    assert!(issued.expires_at.is_some());
    let me = auth.client().session(issued.token).unwrap().me().await.unwrap();
    assert_eq!((me.user.id, me.token.id), (issued.user.id, issued.token_id));
}

#[tokio::test]
async fn the_table_holds_the_digest_and_not_the_token() {
    let auth = Auth::start();
    let issued = auth.client().sign_up(&sign_up("ada")).await.unwrap();
    let dump = crate::secrets::dump(&auth);
    assert!(!dump.contains(issued.token.expose_secret()) && !dump.contains(PASSWORD));
    assert!(dump.contains("bcrypt_sha256$$2b$04$"), "{dump}");
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_in_any_case() {
    let auth = Auth::start();
    auth.sign_up("Straße").await;
    for taken in ["Straße", "STRASSE", "strasse", "ｓtrasse"] {
        assert_eq!(
            kind(auth.client().sign_up(&sign_up(taken)).await),
            UsernameTaken,
            "{taken}"
        );
    }
}

#[tokio::test]
async fn sign_ups_at_once_give_a_name_to_one() {
    let auth = Auth::start_with(&[("JETON_HASHING_QUEUE", "100")]);
    let second = start_service(auth.role.url(), &[("JETON_HASHING_QUEUE", "100")]);
    let clients = [
        auth.client(),
        jeton_client::AuthClient::new(&second.base_url()).unwrap(),
    ];
    let start = Arc::new(tokio::sync::Barrier::new(16));
    let attempts: Vec<_> = (0..16)
        .map(|i| {
            let (client, start) = (clients[i % 2].clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                client.sign_up(&sign_up(["Grace", "GRACE"][i % 2])).await
            })
        })
        .collect();
    let mut winners = HashSet::new();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(issued) => assert!(winners.insert(issued.user.id)),
            Err(error) => assert_eq!(error.kind(), Some(UsernameTaken), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(
        users::list(&mut auth.connect(), &users::UserFilter::default(), None, 10)
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn every_refused_field_is_named_at_once() {
    let auth = Auth::start();
    let bad = SignUpRequest {
        username: "a b".into(),
        password: PASSWORD.into(),
        email: Some("nowhere".into()),
    };
    assert_eq!(
        pointers(auth.client().sign_up(&bad).await),
        ["/username", "/email"]
    );
}

#[tokio::test]
async fn a_guessable_password_is_refused_with_a_reason() {
    let auth = Auth::start();
    for (bad, reason) in [
        ("letmein1", "too easy to guess"),
        ("short", "8 to 1024"),
        ("countess.ada", "too easy to guess"),
    ] {
        let request = SignUpRequest {
            username: "countess.ada".into(),
            password: bad.into(),
            email: None,
        };
        let error = auth.client().sign_up(&request).await.unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!(problem.errors[0].pointer, "/password");
        assert!(problem.errors[0].detail.contains(reason), "{problem:?}");
    }
    assert!(
        users::list(&mut auth.connect(), &users::UserFilter::default(), None, 10)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn sign_up_can_be_closed() {
    let auth = Auth::start_with(&[("JETON_SIGNUP", "closed")]);
    assert_eq!(kind(auth.client().sign_up(&sign_up("ada")).await), SignupClosed);
}

#[tokio::test]
async fn new_users_hold_the_scopes_of_the_setting() {
    let auth = Auth::start_with(&[("JETON_DEFAULT_SCOPES", "b:read a:write")]);
    let me = auth.sign_up("ada").await.me().await.unwrap();
    assert_eq!(me.user.scopes, ["a:write", "b:read"]);
    assert_eq!(me.token.scopes, me.user.scopes);
}

/// They may do what takes no scope.
#[tokio::test]
async fn new_users_hold_no_scope_where_the_setting_names_none() {
    let auth = Auth::start_with(&[("JETON_DEFAULT_SCOPES", "")]);
    let session = auth.sign_up("ada").await;
    let me = session.me().await.unwrap();
    assert_eq!((me.user.scopes.len(), me.token.scopes.len()), (0, 0));
    session.verify(&[]).await.unwrap();
    assert_eq!(kind(session.verify(&["notes:read"]).await), InsufficientScope);
}
