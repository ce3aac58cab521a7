//! Another name, another e-mail address: one's own, and anybody's by an administrator.

use crate::support::{Auth, PASSWORD, kind, login, pointers, start_service};
use jeton_client::{Credentials, ProblemKind, UpdateUserRequest};
use jeton_proof_support::RawRequest;

fn named(name: &str) -> UpdateUserRequest {
    UpdateUserRequest {
        username: Some(name.to_owned()),
        email: None,
    }
}

fn reached_at(email: Option<&str>) -> UpdateUserRequest {
    UpdateUserRequest {
        username: None,
        email: Some(email.map(str::to_owned)),
    }
}

#[tokio::test]
async fn the_tokens_stay_and_the_old_name_is_anybodys() {
    let auth = Auth::start();
    let ada = auth.sign_up("ada").await;
    let other = auth.only_token(&auth.sign_in("ada").await);
    let account = ada.update_account(PASSWORD, &named("Countess")).await.unwrap();
    assert_eq!(account.username, "Countess");
    for session in [&auth.only_token(&ada), &other] {
        assert_eq!(session.me().await.unwrap().user.username, "Countess");
    }
    assert_eq!(
        kind(auth.client().login(&login("ada", PASSWORD)).await),
        ProblemKind::InvalidCredentials
    );
    auth.client().login(&login("COUNTESS", PASSWORD)).await.unwrap();
    assert_ne!(auth.sign_up("ada").await.me().await.unwrap().user.id, account.id);
}

/// It is remembered under the old name by every service, and forgotten before the answer.
#[tokio::test(flavor = "multi_thread")]
async fn every_service_knows_the_new_name_once_it_is_answered() {
    let auth = Auth::start();
    let elsewhere = start_service(auth.role.url(), &[]);
    let ada = auth.sign_up("ada").await;
    let header = format!(
        "Bearer {}",
        jeton_client::ExposeSecret::expose_secret(&ada.token())
    );
    let name = || {
        let verify = RawRequest::new("GET", "/v1/verify").header("Authorization", &header);
        let answer = verify.send(elsewhere.address());
        answer
            .headers
            .iter()
            .find(|(_, value)| value.to_lowercase().contains("ada"))
            .cloned()
    };
    let (before, _) = (name(), name());
    ada.update_account(PASSWORD, &named("ADA")).await.unwrap();
    let after = name();
    assert_ne!(before, after, "{after:?}");
    assert!(after.is_some_and(|(_, value)| value.contains("ADA")));
}

#[tokio::test]
async fn a_session_signs_in_by_its_new_name() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let session = auth
        .client()
        .sign_in(Credentials::new("ada", PASSWORD))
        .await
        .unwrap();
    session
        .update_account(PASSWORD, &named("countess"))
        .await
        .unwrap();
    let id = session.me().await.unwrap().token.id;
    jeton_proof_support::execute(
        &mut auth.connect(),
        &format!("DELETE FROM tokens WHERE id = '{id}'"),
    );
    // Until the token is refused it is remembered; then the session signs in again.
    loop {
        match session.me().await {
            Ok(me) if me.token.id != id => break,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), Some(ProblemKind::InvalidToken), "{error}"),
        }
    }
}

#[tokio::test]
async fn the_password_is_needed_and_failures_count() {
    let auth = Auth::start_with(&[("JETON_ACCOUNT_FAILURES", "8")]);
    let ada = auth.sign_up("ada").await;
    assert_eq!(
        kind(ada.update_account("wrong", &named("eve")).await),
        ProblemKind::WrongPassword
    );
    assert_eq!(
        kind(ada.update_account("wrong", &reached_at(None)).await),
        ProblemKind::WrongPassword
    );
    assert_eq!(
        kind(ada.update_account(PASSWORD, &named("eve")).await),
        ProblemKind::TooManyAttempts
    );
    assert_eq!(ada.me().await.unwrap().user.username, "ada");
}

#[tokio::test]
async fn an_address_is_set_and_removed() {
    let auth = Auth::start();
    let ada = auth.sign_up("ada").await;
    let email = async |changes: UpdateUserRequest| {
        let account = ada.update_account(PASSWORD, &changes).await.unwrap();
        (account.username, account.email)
    };
    let set = ("ada".to_owned(), Some("ada@example.org".to_owned()));
    assert_eq!(email(reached_at(Some("ada@example.org"))).await, set);
    assert_eq!(email(UpdateUserRequest::default()).await, set);
    assert_eq!(email(reached_at(None)).await, ("ada".to_owned(), None));
}

#[tokio::test]
async fn what_is_refused_is_named_and_a_taken_name_is_a_409() {
    let auth = Auth::start();
    let ada = auth.sign_up("ada").await;
    auth.sign_up("grace").await;
    let wrong = UpdateUserRequest {
        username: Some("a b".to_owned()),
        email: Some(Some("nobody".to_owned())),
    };
    assert_eq!(
        pointers(ada.update_account(PASSWORD, &wrong).await),
        ["/username", "/email"]
    );
    assert_eq!(
        kind(ada.update_account(PASSWORD, &named("GRACE")).await),
        ProblemKind::UsernameTaken
    );

    let root = auth.sign_up_with("root", "admin").await;
    let (admin, id) = (root.admin(), ada.me().await.unwrap().user.id);
    assert_eq!(
        pointers(admin.update_user(id, &wrong).await),
        ["/username", "/email"]
    );
    assert_eq!(
        kind(admin.update_user(id, &named("grace")).await),
        ProblemKind::UsernameTaken
    );
    let nobody = uuid::Uuid::now_v7();
    assert_eq!(
        kind(admin.update_user(nobody, &named("eve")).await),
        ProblemKind::NotFound
    );
    let changed = admin.update_user(id, &named("countess")).await.unwrap();
    assert_eq!((changed.id, changed.username.as_str()), (id, "countess"));
    let changed = admin.update_user(id, &reached_at(Some("a@b"))).await.unwrap();
    assert_eq!(
        (changed.username.as_str(), changed.email.as_deref()),
        ("countess", Some("a@b"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_one_name_one_gets_it_and_the_other_is_told() {
    let auth = Auth::start();
    let (ada, bob) = (auth.sign_up("ada").await, auth.sign_up("bob").await);
    let wanted = named("eve");
    let (one, other) = tokio::join!(
        ada.update_account(PASSWORD, &wanted),
        bob.update_account(PASSWORD, &wanted)
    );
    match (one, other) {
        (Ok(_), refused) | (refused, Ok(_)) => assert_eq!(kind(refused), ProblemKind::UsernameTaken),
        both => panic!("{both:?}"),
    }
}
