//! A verifier that signs in as a service does: as a role that may check tokens, and nothing else.

use crate::support::{
    PATIENCE, check, connect_to, count, database, execute, settings, text, user_with_token, wait_until,
};
use jeton_domain::AuditContext;
use jeton_persistence::tokens;
use jeton_proof_support::TestRole;
use jeton_verifier::{Verifier, VerifierSettings, VerifyError};
use std::time::Duration;

fn as_a_service(role: &TestRole) -> VerifierSettings {
    VerifierSettings {
        cache_tokens: 1000,
        write_uses_every: Duration::from_millis(20),
        ..settings(role.url())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_a_service_is_all_that_a_verifier_needs() {
    let (database, mut connection) = database();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let (ada, token) = user_with_token(&mut connection, "ada");
    let verifier = Verifier::connect(as_a_service(&role)).await.unwrap();

    // Registered, and renewed.
    assert!(!verifier.status().lease_left.is_zero());
    assert_eq!(count(&mut connection, "verifiers WHERE version > 0"), 1);
    // Looked up, and remembered.
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(verifier.status().entries, 1);
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    wait_until("the use is written", || {
        let found = tokens::find(&mut connection, ada.id, token.id).unwrap().unwrap();
        found.last_used_at.is_some()
    });
    // Every connection of it, for all that.
    let theirs = format!(
        "pg_stat_activity WHERE datname = current_database() AND usename = '{}'",
        role.name()
    );
    assert!(
        count(&mut connection, &theirs) >= 2,
        "the lease's and a look-up's"
    );
    let somebody_elses = format!(
        "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename <> '{}'",
        role.name()
    );
    assert_eq!(count(&mut connection, &somebody_elses), 0);

    // Told of what was revoked.
    let revoked = tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
    assert_eq!(verifier.status().entries, 0);
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
    verifier.close().await;
    assert_eq!(count(&mut connection, "verifiers"), 0, "the lease is given back");
}

/// A new life takes the row of the one before away.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_in_its_role_goes_on_after_a_lost_connection() {
    let (database, mut connection) = database();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let (_, token) = user_with_token(&mut connection, "ada");
    let verifier = Verifier::connect(as_a_service(&role)).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let before = text(&mut connection, "SELECT id FROM verifiers");
    execute(
        &mut connection,
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
            role.name()
        ),
    );
    wait_until("it is registered anew, once", || {
        count(
            &mut connection,
            &format!("verifiers WHERE id <> '{before}' AND version > 0"),
        ) == 1
            && count(&mut connection, "verifiers") == 1
    });
    let remembered = async {
        while verifier.status().entries == 0 {
            assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
        }
    };
    tokio::time::timeout(PATIENCE, remembered).await.unwrap();
}

/// Somebody who is signed in and nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_without_its_role_does_not_start() {
    let (database, _) = database();
    let role = TestRole::create(&database, "");
    connect_to(role.url());
    let refused = Verifier::connect(as_a_service(&role)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            jeton_verifier::ConnectError::Database(jeton_persistence::DatabaseError::NotAService(_))
        ),
        "{refused:?}"
    );
}

/// What a service that restarts in a circle leaves behind is taken off the list by the auth service. Until then, whoever
/// starts has to know why it would not remember anything.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_role_has_as_many_verifiers_as_may_be_no_other_starts() {
    let (database, _) = database();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let verifier = Verifier::connect(as_a_service(&role)).await.unwrap();
    let theirs = &mut connect_to(role.url());
    execute(
        theirs,
        "SELECT jeton_register(gen_random_uuid(), NULL, 'n', 60000) FROM generate_series(1, 255)",
    );
    let refused = Verifier::connect(as_a_service(&role)).await.unwrap_err();
    assert!(
        refused.to_string().contains("256 verifiers registered"),
        "{refused}"
    );
    // One that was there comes back to its place.
    verifier.close().await;
    Verifier::connect(as_a_service(&role)).await.unwrap();
    let other = TestRole::create(&database, "IN ROLE jeton_verifier");
    Verifier::connect(as_a_service(&other)).await.unwrap();
}
