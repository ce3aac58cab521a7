//! The decision about a request, without any framework.

use crate::support::{database, remembering, unknown, user_with_token};
use jeton_verifier::{Decision, RefusalKind, Scope};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_at_once_from_memory_and_else_by_a_look_up() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let verifier = remembering(&database).await;
    let header = format!("Bearer {}", token.text);
    let authorize = |scopes: &[&str]| verifier.authorize([header.as_bytes()], scopes);

    let decision = authorize(&["notes:read"]);
    assert!(matches!(decision, Decision::LookUp(_)), "{decision:?}");
    assert_eq!(decision.outcome().await.unwrap().token_id(), token.id);
    let decision = authorize(&["notes:write", "notes:read"]);
    assert!(
        matches!(&decision, Decision::Allow(caller) if caller.token_id() == token.id),
        "{decision:?}"
    );
    let decision = authorize(&["notes:read", "reports:read", "admin"]);
    let lacking = RefusalKind::InsufficientScope(Scope::parse("reports:read").unwrap());
    assert!(
        matches!(&decision, Decision::Refuse(refusal) if *refusal.kind() == lacking),
        "{decision:?}"
    );
}

/// What is required holds for a token that has to be looked up, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_requires_the_scopes_as_well() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let verifier = remembering(&database).await;
    let header = format!("Bearer {}", token.text);
    let decision = verifier.authorize([header.as_bytes()], &["notes:read", "admin"]);
    assert!(matches!(decision, Decision::LookUp(_)), "{decision:?}");
    let lacking = RefusalKind::InsufficientScope(Scope::parse("admin").unwrap());
    assert_eq!(decision.outcome().await.unwrap_err().kind().clone(), lacking);

    let header = format!("Bearer {}", unknown());
    let decision = verifier.authorize([header.as_bytes()], &["admin"]);
    assert_eq!(
        decision.outcome().await.unwrap_err().kind().clone(),
        RefusalKind::InvalidToken
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_asks_nobody_about_what_is_no_token() {
    let (database, _) = database();
    let verifier = remembering(&database).await;
    let decide = |headers: &[&'static [u8]]| verifier.authorize(headers.iter().copied(), &["admin"]);
    for (headers, right) in [
        (&[][..], RefusalKind::MissingToken),
        (&[b"Basic eA=="], RefusalKind::MissingToken),
        (&[b"Bearer"], RefusalKind::InvalidToken),
        (&[b"Bearer jtn_mistyped"], RefusalKind::InvalidToken),
        (&[b"Bearer x", b"Basic eA=="], RefusalKind::SeveralTokens),
    ] as [(&[&[u8]], _); 5]
    {
        let decision = decide(headers);
        assert!(
            matches!(&decision, Decision::Refuse(refusal) if *refusal.kind() == right),
            "{decision:?}"
        );
    }
}
