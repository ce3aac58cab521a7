use crate::support::{Auth, bearer, kind, token_request};
use jeton_client::ProblemKind::InvalidToken;
use jeton_client::{AuthClient, CreateTokenRequest};
use jeton_proof_support::RawRequest;
use std::sync::Arc;

#[tokio::test]
async fn logging_out_deletes_the_row_and_ends_the_token() {
    let (auth, session) = Auth::with_ada().await;
    let after = auth.only_token(&session);
    session.logout().await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
    assert!(!crate::secrets::dump(&auth).contains("login"), "the row is gone");
}

#[tokio::test]
async fn logout_ends_one_token_and_no_other() {
    let auth = Auth::start();
    let (first, second) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let other = auth.sign_up("grace").await;
    first.logout().await.unwrap();
    second.me().await.unwrap();
    other.me().await.unwrap();
}

#[tokio::test]
async fn many_at_once_are_all_answered_and_none_with_an_error() {
    let (auth, session) = Auth::with_ada().await;
    let header = bearer(&session);
    let start = Arc::new(std::sync::Barrier::new(16));
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (start, address) = (start.clone(), auth.service.address().to_owned());
            let request = RawRequest::new("POST", "/v1/logout").header("Authorization", &header);
            std::thread::spawn(move || {
                start.wait();
                request.send(address).status
            })
        })
        .collect();
    let answers: Vec<u16> = attempts
        .into_iter()
        .map(|attempt| attempt.join().unwrap())
        .collect();
    // Whoever comes after the first finds the token gone, before the guard or behind it.
    assert!(answers.contains(&204), "{answers:?}");
    assert!(
        answers.iter().all(|status| [204, 401].contains(status)),
        "{answers:?}"
    );
    assert_eq!(kind(auth.only_token(&session).me().await), InvalidToken);
}

/// Only of a logout is it as good as done that the token is gone already.
#[tokio::test]
async fn a_token_that_is_gone_does_nothing_else_there() {
    let (auth, session) = Auth::with_ada().await;
    let header = bearer(&session);
    session.logout().await.unwrap();
    for (method, status) in [
        ("POST", 204),
        ("GET", 401),
        ("PUT", 401),
        ("DELETE", 401),
        ("QUERY", 401),
    ] {
        let request = RawRequest::new(method, "/v1/logout").header("Authorization", &header);
        assert_eq!(auth.send(&request).status, status, "{method}");
    }
}

#[tokio::test]
async fn everywhere_means_all_of_the_users_tokens_and_nobody_elses() {
    let auth = Auth::start();
    let first = auth.sign_up("ada").await;
    let second = auth.sign_in("ada").await;
    let request = token_request("backup", &[]);
    let personal = auth
        .client()
        .session(first.tokens().create(&request).await.unwrap().token)
        .unwrap();
    let other = auth.sign_up("grace").await;

    let remaining = [auth.only_token(&first), auth.only_token(&second), personal];
    assert_eq!(first.logout_all().await.unwrap(), 3);
    for session in &remaining {
        assert_eq!(kind(session.me().await), InvalidToken);
    }
    other.me().await.unwrap();
}

#[tokio::test]
async fn no_token_made_meanwhile_survives_everywhere() {
    let auth = Auth::start();
    for round in 0..10 {
        let session = auth.sign_up(&format!("ada-{round}")).await;
        let request = token_request("late", &[]);
        let (a, b) = (auth.only_token(&session), auth.only_token(&session));
        let (made, _) = tokio::join!(async { futures_all(&a, &request).await }, async {
            b.logout_all().await.unwrap()
        });
        for token in made {
            let token = auth.client().session(token.token).unwrap();
            assert_eq!(kind(token.me().await), InvalidToken);
        }
    }
}

async fn futures_all(
    session: &jeton_client::Session,
    request: &CreateTokenRequest,
) -> Vec<jeton_client::IssuedToken> {
    let mut made = Vec::new();
    for _ in 0..8 {
        match session.tokens().create(request).await {
            Ok(token) => made.push(token),
            Err(error) => assert_eq!(error.kind(), Some(InvalidToken), "{error}"),
        }
    }
    made
}

#[tokio::test]
async fn a_token_of_one_instance_is_accepted_and_revoked_by_another() {
    let auth = Auth::start();
    let second = crate::support::start_service(auth.role.url(), &[]);
    let session = auth.sign_up("ada").await;
    let there = AuthClient::new(&second.base_url())
        .unwrap()
        .session(session.token())
        .unwrap();
    there.me().await.unwrap();
    there.logout().await.unwrap();
    assert_eq!(kind(auth.only_token(&session).me().await), InvalidToken);
}
