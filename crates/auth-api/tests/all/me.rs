use crate::support::{Auth, PASSWORD, kind, pointers, token_request};
use jeton_client::ProblemKind::{InvalidCredentials, InvalidToken, LoginTokenRequired, WrongPassword};
use jeton_client::{SignUpRequest, UpdateUserRequest};
use jeton_persistence::users;

#[tokio::test]
async fn shows_the_user_and_the_token() {
    let auth = Auth::start();
    let request = SignUpRequest {
        username: "Ada".into(),
        password: PASSWORD.into(),
        email: Some("ada@analytical.example".into()),
    };
    let me = auth
        .client()
        .sign_up_session(&request)
        .await
        .unwrap()
        .me()
        .await
        .unwrap();
    insta::assert_json_snapshot!(me, {
        ".**.id" => "[uuid]", ".**.created_at" => "[time]", ".**.expires_at" => "[time]",
    }, @r#"
    {
      "user": {
        "id": "[uuid]",
        "username": "Ada",
        "email": "ada@analytical.example",
        "scopes": [
          "notes:read",
          "notes:write"
        ],
        "created_at": "[time]"
      },
      "token": {
        "id": "[uuid]",
        "kind": "login",
        "name": "login",
        "scopes": [
          "notes:read",
          "notes:write"
        ],
        "created_at": "[time]",
        "expires_at": "[time]",
        "idle_ttl": null,
        "last_used_at": null
      }
    }
    "#);
}

#[tokio::test]
async fn a_password_change_revokes_the_other_tokens() {
    let auth = Auth::start();
    let (session, elsewhere) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let elsewhere = auth.only_token(&elsewhere);
    session
        .change_password(PASSWORD, "a wholly different phrase")
        .await
        .unwrap();
    auth.only_token(&session).me().await.unwrap();
    assert_eq!(kind(elsewhere.me().await), InvalidToken);
    assert_eq!(kind(auth.login("ada", PASSWORD).await), InvalidCredentials);
    auth.login("ada", "a wholly different phrase").await.unwrap();
}

#[tokio::test]
async fn the_password_must_be_known_and_the_new_one_good() {
    let auth = Auth::start();
    let (session, elsewhere) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let wrong = session
        .change_password("wrong", "a wholly different phrase")
        .await;
    assert_eq!(kind(wrong), WrongPassword);
    assert_eq!(
        pointers(session.change_password(PASSWORD, "password1").await),
        ["/new_password"]
    );
    auth.only_token(&elsewhere).me().await.unwrap();
    auth.login("ada", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn two_password_changes_at_once_have_one_winner_and_the_other_is_told() {
    let auth = Auth::start();
    let (a, b) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let (a, b) = (auth.only_token(&a), auth.only_token(&b));
    let (x, y) = tokio::join!(
        a.change_password(PASSWORD, "the first of the new phrases"),
        b.change_password(PASSWORD, "the second of the new phrases")
    );
    let (winner, loser, told) = match (x, y) {
        (Ok(()), Err(told)) => (a, b, told),
        (Err(told), Ok(())) => (b, a, told),
        both => panic!("{both:?}"),
    };
    // Whoever comes second finds another password, or the own token revoked.
    let kinds = [WrongPassword, InvalidToken];
    assert!(kinds.contains(&told.kind().unwrap()), "{told}");
    winner.me().await.unwrap();
    assert_eq!(kind(loser.me().await), InvalidToken);
}

#[tokio::test]
async fn deleting_the_account_takes_the_password_and_everything_with_it() {
    let (auth, session) = Auth::with_ada().await;
    let after = auth.only_token(&session);
    assert_eq!(kind(session.delete_account("wrong").await), WrongPassword);
    session.delete_account(PASSWORD).await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
    assert!(
        users::list(&mut auth.connect(), &users::UserFilter::default(), None, 10)
            .unwrap()
            .is_empty()
    );
    auth.sign_up("ada").await;
}

#[tokio::test]
async fn a_personal_token_sees_itself_and_manages_nothing() {
    let (auth, session) = Auth::with_ada().await;
    let request = token_request("backup", &["notes:read"]);
    let issued = session.tokens().create(&request).await.unwrap();
    let personal = auth.client().session(issued.token).unwrap();
    assert_eq!(personal.me().await.unwrap().token.kind, "personal");
    let wanted = LoginTokenRequired;
    assert_eq!(kind(personal.tokens().list(None, None).await), wanted);
    assert_eq!(kind(personal.tokens().create(&request).await), wanted);
    assert_eq!(kind(personal.tokens().rename(issued.token_id, "x").await), wanted);
    assert_eq!(kind(personal.tokens().revoke(issued.token_id).await), wanted);
    assert_eq!(
        kind(
            personal
                .change_password(PASSWORD, "a wholly different phrase")
                .await
        ),
        wanted
    );
    assert_eq!(kind(personal.delete_account(PASSWORD).await), wanted);
    let rename = UpdateUserRequest::default();
    assert_eq!(kind(personal.update_account(PASSWORD, &rename).await), wanted);
    assert_eq!(kind(personal.logout_all().await), wanted);
    personal.logout().await.unwrap();
    assert_eq!(kind(personal.me().await), InvalidToken);
    session.me().await.unwrap();
}
