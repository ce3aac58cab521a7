use crate::server::{Reply, Server};
use crate::support::{
    ID, NEW, OLD, PASSWORD, client, fetch, invalid_token, kind, login, problem, scripted,
    service_for_new_token, signed_in, token_info, unavailable,
};
use jeton_client::{CreateTokenRequest, ExposeSecret, ProblemKind, SignUpRequest};
use serde_json::json;

#[tokio::test]
async fn me_is_asked_with_the_sessions_token() {
    let account = json!({
        "id": ID, "username": "ada", "email": null, "scopes": [], "created_at": "2026-01-02T03:04:05Z"
    });
    let answer = json!({"user": account, "token": token_info("login")});
    let auth = Server::script(vec![Reply::json(200, &answer)]).await;
    let me = client(&auth).session(OLD).unwrap().me().await.unwrap();
    assert_eq!(me.user.username, "ada");
    assert_eq!(auth.lines(), ["GET /v1/me"]);
    assert_eq!(auth.received()[0].authorization(), [format!("Bearer {OLD}")]);
}

#[tokio::test]
async fn an_expired_token_is_renewed_for_the_auth_api_too() {
    let page = json!({"tokens": [], "next": null});
    let auth = Server::script(vec![
        login(OLD),
        invalid_token(),
        login(NEW),
        Reply::json(200, &page),
    ])
    .await;
    assert!(
        signed_in(&auth)
            .await
            .tokens()
            .list_all()
            .await
            .unwrap()
            .is_empty()
    );
    let tokens = [
        "POST /v1/login",
        "GET /v1/tokens",
        "POST /v1/login",
        "GET /v1/tokens",
    ];
    assert_eq!(auth.lines(), tokens);
}

#[tokio::test]
async fn tokens_are_listed_created_renamed_and_revoked() {
    let auth = Server::script(vec![
        Reply::json(200, &json!({"tokens": [token_info("one")], "next": ID})),
        Reply::json(200, &json!({"tokens": [token_info("one")], "next": ID})),
        Reply::json(200, &json!({"tokens": [token_info("two")], "next": null})),
        login(NEW),
        Reply::json(200, &token_info("three")),
        Reply::new(204),
        problem(ProblemKind::NotFound),
    ])
    .await;
    let session = client(&auth).session(OLD).unwrap();
    let tokens = session.tokens();
    let id = ID.parse().unwrap();

    assert_eq!(tokens.list(Some(1), Some(id)).await.unwrap().next, Some(id));
    let all = tokens.list_all().await.unwrap();
    assert_eq!(
        all.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["one", "two"]
    );
    let wish = CreateTokenRequest {
        name: "backup".into(),
        scopes: vec!["notes:read".into()],
        expires_in: Some(60),
    };
    assert_eq!(tokens.create(&wish).await.unwrap().token.expose_secret(), NEW);
    assert_eq!(tokens.rename(id, "three").await.unwrap().name, "three");
    tokens.revoke(id).await.unwrap();
    assert_eq!(kind(tokens.revoke(id).await), ProblemKind::NotFound);

    let one = format!("/v1/tokens/{ID}");
    let lines = [
        format!("GET /v1/tokens?limit=1&after={ID}"),
        "GET /v1/tokens".to_owned(),
        format!("GET /v1/tokens?after={ID}"),
        "POST /v1/tokens".to_owned(),
        format!("PATCH {one}"),
        format!("DELETE {one}"),
        format!("DELETE {one}"),
    ];
    assert_eq!(auth.lines(), lines);
    let create = json!({"name": "backup", "scopes": ["notes:read"], "expires_in": 60});
    assert_eq!(auth.received()[3].json(), create);
    assert_eq!(auth.received()[4].json(), json!({"name": "three"}));
}

#[tokio::test]
async fn logout_ends_the_session() {
    let (auth, session) = scripted(vec![Reply::new(204)]).await;
    let service = service_for_new_token().await;
    session.logout().await.unwrap();
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::InvalidToken);
    assert_eq!(auth.lines(), ["POST /v1/login", "POST /v1/logout"]);
}

#[tokio::test]
async fn logout_of_a_token_that_is_gone() {
    let auth = Server::script(vec![login(OLD), invalid_token()]).await;
    signed_in(&auth).await.logout().await.unwrap();
    assert_eq!(auth.lines(), ["POST /v1/login", "POST /v1/logout"]);
}

#[tokio::test]
async fn a_logout_that_fails_is_told_and_changes_nothing() {
    let (auth, session) = scripted(vec![
        unavailable(Some("0")),
        unavailable(None),
        unavailable(None),
        login(NEW),
        problem(ProblemKind::Internal),
    ])
    .await;
    let service = service_for_new_token().await;
    let error = session.logout().await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::Unavailable));
    assert_eq!(auth.count(), 4);
    fetch(&session, &service).await.unwrap();
    assert_eq!(kind(session.logout().await), ProblemKind::Internal);
}

#[tokio::test]
async fn logout_all_renews_an_expired_token_and_ends_the_session() {
    let (auth, session) = scripted(vec![
        invalid_token(),
        login(NEW),
        Reply::json(200, &json!({"revoked": 3})),
        invalid_token(),
    ])
    .await;
    assert_eq!(session.logout_all().await.unwrap(), 3);
    assert!(session.me().await.unwrap_err().is_unauthorized());
    assert_eq!(auth.count(), 5);
}

#[tokio::test]
async fn calls_that_change_the_credentials_are_not_repeated() {
    let auth = Server::start(|_| async { unavailable(Some("0")) }).await;
    let session = client(&auth).session(OLD).unwrap();
    session
        .change_password(PASSWORD, "another one")
        .await
        .unwrap_err();
    session.delete_account(PASSWORD).await.unwrap_err();
    session.logout_all().await.unwrap_err();
    assert_eq!(
        auth.lines(),
        ["PUT /v1/me/password", "DELETE /v1/me", "POST /v1/logout-all"]
    );
}

#[tokio::test]
async fn a_changed_password_is_used_from_then_on() {
    let auth = Server::script(vec![
        login(OLD),
        problem(ProblemKind::WrongPassword),
        Reply::new(204),
        login(NEW),
    ])
    .await;
    let service = service_for_new_token().await;
    let sign_up = SignUpRequest {
        username: "ada".into(),
        password: PASSWORD.into(),
        email: None,
    };
    let session = client(&auth).sign_up_session(&sign_up).await.unwrap();

    let wrong = session.change_password("wrong", "another one").await;
    assert_eq!(kind(wrong), ProblemKind::WrongPassword);
    session.change_password(PASSWORD, "another one").await.unwrap();
    fetch(&session, &service).await.unwrap();

    let received = auth.received();
    let change = json!({"current_password": PASSWORD, "new_password": "another one"});
    assert_eq!(received[2].line(), "PUT /v1/me/password");
    assert_eq!(received[2].json(), change);
    assert_eq!(received[3].line(), "POST /v1/login");
    assert_eq!(
        received[3].json(),
        json!({"username": "ada", "password": "another one"})
    );
}

#[tokio::test]
async fn a_deleted_account_does_not_sign_in_again() {
    let (auth, session) = scripted(vec![
        problem(ProblemKind::WrongPassword),
        Reply::new(204),
        invalid_token(),
    ])
    .await;
    let wrong = session.delete_account("wrong").await;
    assert_eq!(kind(wrong), ProblemKind::WrongPassword);
    session.delete_account(PASSWORD).await.unwrap();
    assert!(session.me().await.unwrap_err().is_unauthorized());
    let received = auth.received();
    assert_eq!(received.len(), 4);
    assert_eq!(received[2].line(), "DELETE /v1/me");
    assert_eq!(received[2].json(), json!({"password": PASSWORD}));
}
