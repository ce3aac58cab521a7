//! Other users' tokens, and those of service accounts.

use super::*;
use jeton_client::ProblemKind::{NotAServiceAccount, ServiceAccount, TooManyTokens, UserDisabled};
use jeton_proof_support::{execute, wait_for_blocked};

#[tokio::test]
async fn anybodys_tokens_are_listed_and_revoked() {
    let (auth, root) = with_admin().await;
    let (ada, other) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let me = other.me().await.unwrap();
    let id = me.user.id;
    let page = root.admin().tokens(id, Some(1), None).await.unwrap();
    assert_eq!((page.tokens.len(), page.tokens[0].id), (1, me.token.id));
    let rest = root.admin().tokens(id, None, page.next).await.unwrap();
    assert_eq!((rest.tokens.len(), rest.next), (1, None));

    let after = auth.only_token(&other);
    root.admin().revoke_token(id, me.token.id).await.unwrap();
    assert_eq!(kind(after.me().await), InvalidToken);
    assert_eq!(kind(root.admin().revoke_token(id, me.token.id).await), NotFound);

    auth.sign_in("ada").await;
    let after = auth.only_token(&ada);
    after.me().await.unwrap();
    assert_eq!(root.admin().revoke_tokens(id).await.unwrap(), 2);
    assert_eq!(kind(after.me().await), InvalidToken);
    assert_eq!(root.admin().revoke_tokens(id).await.unwrap(), 0);
    root.me().await.unwrap();
}

#[tokio::test]
async fn a_service_account_cannot_sign_in_and_is_given_its_tokens() {
    let auth = Auth::start_with(&[("JETON_TOKENS_PER_USER", "3")]);
    let root = auth.sign_up_with("root", "admin notes:read").await;
    let robot = root
        .admin()
        .create_user(&service("robot", &["notes:read"]))
        .await
        .unwrap();
    assert!(robot.service);
    for password in ["", PASSWORD] {
        assert_eq!(kind(auth.login("robot", password).await), InvalidCredentials);
    }
    let issued = root
        .admin()
        .create_token(robot.id, &token(&["notes:read"]))
        .await
        .unwrap();
    assert_eq!((issued.kind.as_str(), issued.user.id), ("personal", robot.id));
    let session = auth.client().session(issued.token).unwrap();
    assert_eq!(session.verify(&["notes:read"]).await.unwrap().username, "robot");

    let admin = root.admin();
    assert_eq!(
        kind(admin.create_token(robot.id, &token(&["notes:write"])).await),
        ScopeNotHeld
    );
    assert_eq!(
        pointers(admin.create_token(robot.id, &token(&["a b"])).await),
        ["/scopes"]
    );
    admin.create_token(robot.id, &token(&[])).await.unwrap();
    assert_eq!(
        kind(admin.create_token(robot.id, &token(&[])).await),
        TooManyTokens
    );
    admin.disable(robot.id).await.unwrap();
    assert_eq!(
        kind(admin.create_token(robot.id, &token(&[])).await),
        UserDisabled
    );
    admin.enable(robot.id).await.unwrap();

    // Nobody does in a person's name what the person would not know of.
    let ada = auth.sign_up("ada").await.me().await.unwrap().user.id;
    assert_eq!(
        kind(admin.create_token(ada, &token(&[])).await),
        NotAServiceAccount
    );

    assert_eq!(
        kind(admin.set_password(robot.id, NEW, false).await),
        ServiceAccount
    );
    session.me().await.unwrap();
    admin.set_password(robot.id, NEW, true).await.unwrap();
    assert_eq!(kind(session.me().await), InvalidToken);
    auth.login("robot", NEW).await.unwrap();
    assert!(!admin.user(robot.id).await.unwrap().service);
}

/// What was changed between the look at the account and the token is told as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_that_is_gone_or_changed_gets_no_token_and_the_admin_hears_why() {
    let (auth, root) = with_admin().await;
    for (act, right) in [
        ("DELETE FROM users", NotFound),
        ("UPDATE users SET disabled_at = now()", UserDisabled),
        (
            "UPDATE users SET password_hash = 'x', is_service_account = false",
            NotAServiceAccount,
        ),
    ] {
        let robot = root.admin().create_user(&service("robot", &[])).await.unwrap();
        let (mut holder, mut watcher) = (auth.connect(), auth.connect());
        execute(
            &mut holder,
            "BEGIN; SELECT FROM users WHERE username = 'robot' FOR UPDATE",
        );
        let asking = root.clone();
        let request = tokio::spawn(async move { asking.admin().create_token(robot.id, &token(&[])).await });
        wait_for_blocked(&mut watcher, 1);
        execute(&mut holder, &format!("{act} WHERE username = 'robot'; COMMIT"));
        assert_eq!(kind(request.await.unwrap()), right, "{act}");
        execute(&mut watcher, "DELETE FROM users WHERE username = 'robot'");
    }
}
