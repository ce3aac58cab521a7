use crate::support::{Auth, bearer, kind};
use jeton_client::ProblemKind::{InsufficientScope, InvalidToken};
use jeton_client::{ExposeSecret, Session};
use jeton_proof_support::RawRequest;

#[tokio::test]
async fn ones_own_tokens_are_revoked_by_their_text() {
    let auth = Auth::start();
    let (session, other) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let after = auth.only_token(&other);
    after.verify(&[]).await.unwrap();
    session.revoke_token(other.token()).await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
    session.me().await.unwrap();

    // Itself as well, as a logout does.
    let after = auth.only_token(&session);
    after.revoke_token(session.token()).await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
}

#[tokio::test]
async fn a_token_that_is_not_there_is_as_good_as_revoked() {
    let (auth, session) = Auth::with_ada().await;
    let gone = auth.sign_in("ada").await.token();
    let unknown = jeton_domain::PlainToken::generate(&mut rand::rng());
    for _ in 0..2 {
        session.revoke_token(gone.expose_secret()).await.unwrap();
    }
    for text in [unknown.expose_secret(), "jtn_mistyped", ""] {
        session.revoke_token(text).await.unwrap();
    }
    let answer = auth.send(
        &RawRequest::new("POST", "/v1/revoke")
            .header("Authorization", bearer(&session))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("token=x&token_type_hint=refresh_token"),
    );
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[tokio::test]
async fn somebody_elses_takes_a_scope() {
    let auth = Auth::start();
    let ada = auth.sign_up("ada").await;
    let eve = auth.sign_up("eve").await;
    assert_eq!(kind(eve.revoke_token(ada.token()).await), InsufficientScope);
    ada.me().await.unwrap();

    let scanner = auth.sign_up_with("scanner", "tokens:revoke").await;
    let after = auth.only_token(&ada);
    scanner.revoke_token(ada.token()).await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
    eve.me().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_by_text_at_once_are_all_told_that_it_is_done() {
    let (auth, session) = Auth::with_ada().await;
    for _ in 0..5 {
        let other = auth.sign_in("ada").await;
        let all: Vec<_> = (0..8)
            .map(|_| {
                let (session, token): (Session, _) = (session.clone(), other.token());
                tokio::spawn(async move { session.revoke_token(token).await })
            })
            .collect();
        for one in all {
            one.await.unwrap().unwrap();
        }
        assert_eq!(kind(auth.only_token(&other).me().await), InvalidToken);
    }
}
