//! A check never joins a query that was sent before it arrived.

use crate::gate::Gate;
use crate::support::{
    Issued, PATIENCE, create_user, execute, issue, poll_once, setting, start, token_of, verifier_with_threads,
};
use jeton_domain::AuditContext;
use jeton_persistence::{PgConnection, users};
use jeton_verifier::VerifyError;
use std::pin::pin;
use tokio::time::timeout;

/// As somebody does with psql: the commit is behind us when this returns.
fn revoke(connection: &mut PgConnection, token: &Issued) {
    execute(
        connection,
        &format!("DELETE FROM tokens WHERE id = '{}'", token.id),
    );
}

/// The other thread asks anew and has the answer, while the earlier query is still on its way to its own, older one.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_after_a_revocation_overtakes_an_older_query_for_the_same_token() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier_with_threads(&database, 2).await;
    let mut gate = Gate::install(&database);

    gate.close();
    let earlier = start(&verifier, &mut gate, &token).await;
    revoke(&mut connection, &token);
    let later = timeout(PATIENCE, verifier.verify(&token.text)).await.unwrap();
    assert_eq!(token_of(later), Err(VerifyError::Invalid));
    assert_eq!(gate.queue(), 1, "the earlier one has not been answered");

    gate.open();
    // Which shows that its answer was of the time before, and would have been wrong for the later one.
    assert_eq!(token_of(earlier.await.unwrap()), Ok(token.id));
}

/// With no thread free, later checks wait, and none of them gets the answer that was asked for before they came.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_after_a_revocation_waits_for_a_query_of_its_own() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier_with_threads(&database, 1).await;
    let mut gate = Gate::install(&database);

    gate.close();
    let earlier = start(&verifier, &mut gate, &token).await;
    revoke(&mut connection, &token);
    let mut later = pin!(verifier.verify(&token.text));
    let mut another = pin!(verifier.verify(&token.text));
    assert!(poll_once(later.as_mut()).await.is_pending());
    assert!(poll_once(another.as_mut()).await.is_pending());

    gate.open();
    assert_eq!(token_of(earlier.await.unwrap()), Ok(token.id));
    assert_eq!(token_of(later.await), Err(VerifyError::Invalid));
    assert_eq!(token_of(another.await), Err(VerifyError::Invalid));
}

/// The same for what a token may do, and for the checks of other tokens that go along.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_after_a_change_sees_the_change() {
    let (database, mut connection, ada, token) = setting();
    let other = issue(&mut connection, ada.id);
    let bob = create_user(&mut connection, "bob");
    let of_bob = issue(&mut connection, bob.id);
    let verifier = verifier_with_threads(&database, 1).await;
    let mut gate = Gate::install(&database);

    gate.close();
    let earlier = start(&verifier, &mut gate, &token).await;
    execute(
        &mut connection,
        "UPDATE users SET scopes = '{notes:read}' WHERE username = 'ada'",
    );
    let _ = users::disable(&mut connection, &AuditContext::cli(), bob.id).unwrap();
    let mut later: Vec<_> = [&token, &other, &of_bob]
        .into_iter()
        .map(|token| Box::pin(verifier.verify(&token.text)))
        .collect();
    for check in &mut later {
        assert!(poll_once(check.as_mut()).await.is_pending());
    }

    gate.open();
    let scopes = |outcome: crate::support::Outcome| outcome.map(|caller| caller.scopes().to_string());
    assert_eq!(
        scopes(earlier.await.unwrap()),
        Ok("notes:read notes:write".to_owned())
    );
    let mut outcomes = Vec::new();
    for check in later {
        outcomes.push(scopes(check.await));
    }
    let narrowed = Ok("notes:read".to_owned());
    assert_eq!(outcomes, [narrowed.clone(), narrowed, Err(VerifyError::Invalid)]);
}
