use crate::support::{
    check, create_user, database, execute, expire, issue, issue_as, setting, settings, unknown,
    user_with_token, verifier, verifier_with,
};
use jeton_domain::AuditContext;
use jeton_persistence::{tokens, users};
use jeton_verifier::{TokenKind, Verifier, VerifyError};

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_token_tells_who_is_calling() {
    let (database, mut connection) = database();
    let (ada, token) = user_with_token(&mut connection, "Ada");
    let (bob, of_bob) = user_with_token(&mut connection, "bob");
    let verifier = verifier(&database).await;
    let caller = verifier.verify(&token.text).await.unwrap();
    assert_eq!((caller.user_id(), caller.username()), (ada.id, "Ada"));
    assert_eq!(
        (caller.token_id(), caller.token_kind()),
        (token.id, TokenKind::Personal)
    );
    assert_eq!(caller.scopes().to_string(), "notes:read notes:write");
    assert_eq!(verifier.verify(&of_bob.text).await.unwrap().user_id(), bob.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_never_issued_is_invalid() {
    let (database, _, _, token) = setting();
    let verifier = verifier(&database).await;
    let mistyped = token.text.replace("jtn_", "jtm_");
    let cut = &token.text[..41];
    for text in [
        &unknown(),
        "",
        "jtn_",
        &mistyped,
        cut,
        &token.text.to_uppercase(),
        "ä\0",
    ] {
        assert_eq!(
            check(&verifier, text).await,
            Err(VerifyError::Invalid),
            "{text:?}"
        );
    }
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

/// Nobody remembers that there was no such token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_valid_at_the_next_check_after_its_issue() {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let verifier = verifier(&database).await;
    let text = unknown();
    assert_eq!(check(&verifier, &text).await, Err(VerifyError::Invalid));
    let token = issue_as(&mut connection, ada, text);
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_is_invalid_at_the_next_check() {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let [revoked, deleted, expired, kept] = [(); 4].map(|()| issue(&mut connection, ada));
    let verifier = verifier(&database).await;
    for token in [&revoked, &deleted, &expired] {
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    }
    let _ = tokens::revoke(&mut connection, &AuditContext::cli(), ada, revoked.id).unwrap();
    execute(
        &mut connection,
        &format!("DELETE FROM tokens WHERE id = '{}'", deleted.id),
    );
    expire(&mut connection, &expired);
    for token in [&revoked, &deleted, &expired] {
        assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
    }
    assert_eq!(check(&verifier, &kept.text).await, Ok(kept.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_users_tokens_sleep() {
    let (database, mut connection, ada, token) = setting();
    let verifier = verifier(&database).await;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let _ = users::disable(&mut connection, &AuditContext::cli(), ada.id).unwrap();
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
    users::enable(&mut connection, &AuditContext::cli(), ada.id).unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_those_of_now() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier(&database).await;
    for (table, set, scopes) in [
        ("users", "{notes:read,notes:write}", "notes:read notes:write"),
        ("users", "{notes:read,admin}", "notes:read"),
        ("tokens", "{notes:write}", ""),
        ("users", "{notes:read,notes:write}", "notes:write"),
        ("users", "{}", ""),
    ] {
        execute(&mut connection, &format!("UPDATE {table} SET scopes = '{set}'"));
        let caller = verifier.verify(&token.text).await.unwrap();
        assert_eq!(caller.scopes().to_string(), scopes, "{table} {set}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_nothing_are_the_least_there_is() {
    let (database, _, _, token) = setting();
    let verifier = verifier_with(&database, |settings| {
        settings.lookup_threads = 0;
        settings.batch = 0;
    })
    .await;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

/// What is logged of a verifier or a caller holds no secret.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_prints_a_secret() {
    let (database, _, _, token) = setting();
    let settings = settings(database.url());
    let verifier = Verifier::connect(settings.clone()).await.unwrap();
    let caller = verifier.verify(&token.text).await.unwrap();
    let printed = format!("{settings:?} {verifier:?} {caller:?}");
    let password = database.url().split([':', '@']).nth(2).unwrap();
    assert!(password.len() >= 8 && !printed.contains(password), "{printed}");
    assert!(!printed.contains(&token.text), "{printed}");
}
