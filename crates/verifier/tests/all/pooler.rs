//! Through PgBouncer. Needs the program `pgbouncer`, and one of the tests a newer one than some systems have; without it,
//! they say so and do nothing.

use crate::support::{check, connect_to, count, remembering_at, setting, settings, wait_until};
use jeton_domain::AuditContext;
use jeton_proof_support::{KEEPS_STATEMENTS, Pooler};
use jeton_verifier::{Verifier, VerifierSettings, VerifyError};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_lends_for_a_session_is_as_good_as_none() {
    let (database, mut connection, ada, token) = setting();
    let Some(pooler) = Pooler::start(&database, "session", (1, 0)) else {
        return;
    };
    let verifier = remembering_at(pooler.url()).await;
    for _ in 0..3 {
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    }
    assert_eq!(verifier.status().entries, 1);
    let revoked =
        jeton_persistence::tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

/// It is served by whatever connection is free: what was a session is none, and nothing may be remembered for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_lends_for_a_transaction_does_no_harm() {
    let (database, mut connection, ada, token) = setting();
    let Some(pooler) = Pooler::start(&database, "transaction", KEEPS_STATEMENTS) else {
        return;
    };
    let verifiers = [connect(pooler.url()).await, connect(pooler.url()).await];
    for verifier in &verifiers {
        assert_eq!(check(verifier, &token.text).await, Ok(token.id));
    }
    let revoked =
        jeton_persistence::tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    tokio::task::spawn_blocking(move || {
        assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
        assert_eq!(count(&mut connection, "tokens"), 0);
    })
    .await
    .unwrap();
    for verifier in &verifiers {
        assert_eq!(check(verifier, &token.text).await, Err(VerifyError::Invalid));
    }
}

/// As it would be for as long as the pool has none.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_with_too_few_connections_is_named_in_time() {
    let (database, _, _, token) = setting();
    let Some(pooler) = Pooler::of(1, &database, "session", (1, 0)) else {
        return;
    };
    let holder = connect_to(pooler.url());
    let refused = Verifier::connect(settings(pooler.url())).await.unwrap_err();
    assert!(refused.to_string().contains("(PgBouncer)"), "{refused}");
    drop(holder);
    // One for the lease, and none for look-ups: neither valid nor invalid.
    let settings = VerifierSettings {
        lookup_timeout: Duration::from_secs(1),
        ..settings(pooler.url())
    };
    let verifier = Verifier::connect(settings).await.unwrap();
    wait_until("it has its lease", || !verifier.status().lease_left.is_zero());
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Unavailable));
}

async fn connect(url: &str) -> Verifier {
    let settings = VerifierSettings {
        cache_tokens: 100,
        lease: Duration::from_millis(500),
        ..settings(url)
    };
    Verifier::connect(settings).await.unwrap()
}
