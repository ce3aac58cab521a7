//! What is answered from memory, and that nothing is that was revoked before the check began.

use crate::gate::Gate;
use crate::support::{
    Issued, check, database, execute, issue, poll_once, remembering, setting, start, token_of, unknown,
    until, user_with_token, verifier_with, wait_until,
};
use jeton_domain::AuditContext;
use jeton_persistence::{DatabaseResult, Pending, PgConnection, tokens, users};
use jeton_proof_support::TestDatabase;
use jeton_verifier::{Caller, UserId, Verifier, VerifyError};
use std::pin::pin;
use std::time::Duration;

/// As the auth service does: what this returns from is acknowledged.
fn revoke(connection: &mut PgConnection, owner: UserId, token: &Issued) {
    let revoked = tokens::revoke(connection, &AuditContext::cli(), owner, token.id).unwrap();
    assert!(jeton_revoker::confirm(connection, revoked).unwrap());
}

async fn checked(verifier: &Verifier, token: &Issued) {
    assert_eq!(check(verifier, &token.text).await, Ok(token.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_is_checked_without_asking() {
    let (database, mut connection, ada, token) = setting();
    let other = issue(&mut connection, ada.id);
    let verifier = remembering(&database).await;
    let mut gate = Gate::install(&database);
    for _ in 0..3 {
        checked(&verifier, &token).await;
    }
    checked(&verifier, &other).await;
    assert_eq!(gate.statements(), 2);
    assert_eq!(verifier.status().entries, 2);
    // It does not even wait: the answer is there when the check is first looked at.
    let mut check = pin!(verifier.verify(&token.text));
    assert!(poll_once(check.as_mut()).await.is_ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_remembered_of_a_token_that_is_not_valid() {
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    let text = unknown();
    assert_eq!(check(&verifier, &text).await, Err(VerifyError::Invalid));
    assert_eq!(verifier.status().entries, 0);
    let ada = crate::support::create_user(&mut connection, "ada");
    let token = crate::support::issue_as(&mut connection, ada.id, text);
    checked(&verifier, &token).await;
}

/// The promise, for several verifiers, token by token.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_once_that_is_acknowledged() {
    let (database, mut connection) = database();
    let (ada, kept) = user_with_token(&mut connection, "ada");
    let verifiers = [
        remembering(&database).await,
        remembering(&database).await,
        remembering(&database).await,
    ];
    for _ in 0..30 {
        let token = issue(&mut connection, ada.id);
        for verifier in &verifiers {
            checked(verifier, &token).await;
            checked(verifier, &token).await;
        }
        revoke(&mut connection, ada.id, &token);
        for verifier in &verifiers {
            assert_eq!(check(verifier, &token.text).await, Err(VerifyError::Invalid));
            checked(verifier, &kept).await;
        }
    }
}

/// Every act that makes a remembered answer wrong, by one who waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_loses_is_refused_once_that_is_acknowledged() {
    type Act = fn(&mut PgConnection, UserId) -> DatabaseResult<Pending<()>>;
    let acts: [(&str, Act, Result<&str, VerifyError>); 4] = [
        (
            "scopes",
            |c, id| {
                Ok(users::set_scopes(c, &AuditContext::cli(), id, &"notes:read".parse().unwrap())?.map(drop))
            },
            Ok("notes:read"),
        ),
        (
            "disable",
            |c, id| Ok(users::disable(c, &AuditContext::cli(), id)?.map(drop)),
            Err(VerifyError::Invalid),
        ),
        (
            "revoke_all",
            |c, id| Ok(tokens::revoke_all(c, &AuditContext::cli(), id)?.map(drop)),
            Err(VerifyError::Invalid),
        ),
        (
            "delete",
            |c, id| Ok(users::delete(c, &AuditContext::cli(), id)?.map(drop)),
            Err(VerifyError::Invalid),
        ),
    ];
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    for (what, act, right) in acts {
        let (user, token) = user_with_token(&mut connection, &format!("by.{what}"));
        let (_, others) = user_with_token(&mut connection, &format!("not.by.{what}"));
        checked(&verifier, &token).await;
        checked(&verifier, &others).await;
        let done = act(&mut connection, user.id).unwrap();
        jeton_revoker::confirm(&mut connection, done).unwrap();
        let outcome = verifier.verify(&token.text).await;
        let scopes = outcome.map(|caller: Caller| caller.scopes().to_string());
        assert_eq!(scopes, right.map(str::to_owned), "{what}");
        checked(&verifier, &others).await;
    }
}

/// No longer than it lives when nobody uses it; and then the database says whether somebody has.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_an_idle_time_is_asked_for_again_when_that_is_over() {
    let (database, mut connection) = database();
    let (ada, unused) = user_with_token(&mut connection, "ada");
    let used = issue(&mut connection, ada.id);
    // Two seconds are left; the uses of these checks are not written, as if the service died before.
    execute(
        &mut connection,
        "UPDATE tokens SET idle_ttl_secs = 3600, created_at = now() - interval '3598 seconds'",
    );
    let verifier = remembering(&database).await;
    let mut gate = Gate::install(&database);
    checked(&verifier, &unused).await;
    checked(&verifier, &used).await;
    assert_eq!(gate.statements(), 2);
    // What another service has noted meanwhile.
    let use_of = format!("INSERT INTO token_uses VALUES ('{}', now())", used.id);
    execute(&mut connection, &use_of);
    until(&verifier, &unused, Err(VerifyError::Invalid)).await;
    checked(&verifier, &used).await;
    let asked = gate.statements();
    for _ in 0..3 {
        checked(&verifier, &used).await;
    }
    assert_eq!(gate.statements(), asked);
}

/// Typed into psql: nobody waits, and nobody nudges, and a third of a lease later it holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_typed_into_psql_holds_soon() {
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    for statement in ["DELETE FROM tokens", "TRUNCATE users CASCADE"] {
        let (_, token) = user_with_token(&mut connection, &format!("u{}", statement.len()));
        checked(&verifier, &token).await;
        execute(&mut connection, statement);
        until(&verifier, &token, Err(VerifyError::Invalid)).await;
    }
}

/// A look-up's answer of the time before a revocation, which arrives after it was acknowledged: right for the check that
/// asked, which began before, and wrong for any that comes.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_before_a_revocation_is_not_kept() {
    let (database, mut connection, ada, token) = setting();
    let verifier = remembering(&database).await;
    let mut gate = Gate::closed(&database);
    let earlier = start(&verifier, &mut gate, &token).await;
    revoke(&mut connection, ada.id, &token);
    gate.open();
    assert_eq!(token_of(earlier.await.unwrap()), Ok(token.id));
    assert_eq!(verifier.status().entries, 0);
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded() {
    let (database, mut connection) = database();
    let (ada, _) = user_with_token(&mut connection, "ada");
    let verifier = verifier_with(&database, |settings| settings.cache_tokens = 10).await;
    let tokens: Vec<_> = (0..50).map(|_| issue(&mut connection, ada.id)).collect();
    for _ in 0..2 {
        for token in &tokens {
            checked(&verifier, token).await;
        }
    }
    let entries = verifier.status().entries;
    assert!((1..=10).contains(&entries), "{entries}");
}

/// By the verifier's own clock, from what the database said was left: nothing tells it.
#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_token_expires() {
    let (database, mut connection, _, token) = setting();
    let verifier = remembering(&database).await;
    // Until it is looked up before its short life is over.
    loop {
        execute(
            &mut connection,
            "UPDATE tokens SET expires_at = now() + interval '500 milliseconds'",
        );
        if verifier.verify(&token.text).await.is_ok() {
            break;
        }
    }
    until(&verifier, &token, Err(VerifyError::Invalid)).await;
    // The entry is there: it was not forgotten, but found to be over.
    assert_eq!(verifier.status().entries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_written_once_a_minute() {
    let (database, mut connection) = database();
    let (ada, used) = user_with_token(&mut connection, "ada");
    let unused = issue(&mut connection, ada.id);
    let verifier = verifier_with(&database, |settings| {
        settings.cache_tokens = 100;
        settings.write_uses_every = Duration::from_millis(20);
    })
    .await;
    checked(&verifier, &used).await;
    let last_used_at = |connection: &mut PgConnection, token: &Issued| {
        tokens::find(connection, ada.id, token.id)
            .unwrap()
            .unwrap()
            .last_used_at
    };
    wait_until("the use is written", || {
        last_used_at(&mut connection, &used).is_some()
    });
    let first = last_used_at(&mut connection, &used).unwrap();
    assert!((chrono::Utc::now() - first).num_seconds() < 120, "{first}");
    assert_eq!(first.timestamp() % 60, 0, "to the minute: {first}");
    assert_eq!(last_used_at(&mut connection, &unused), None);
    // A use in the same minute writes nothing: the row is the one from before, which its version tells.
    let version =
        |connection: &mut PgConnection| crate::support::text(connection, "SELECT xmin FROM token_uses");
    let before = version(&mut connection);
    for _ in 0..100 {
        checked(&verifier, &used).await;
    }
    checked(&verifier, &unused).await;
    wait_until("the other's use is written", || {
        last_used_at(&mut connection, &unused).is_some()
    });
    let written_again = last_used_at(&mut connection, &used).unwrap() > first;
    let query = format!("SELECT xmin FROM token_uses WHERE token_id = '{}'", used.id);
    let after = crate::support::text(&mut connection, &query);
    assert!(written_again || after == before, "{before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_of_a_token_that_is_gone_does_no_harm() {
    let (database, mut connection, ada, token) = setting();
    let verifier = verifier_with(&database, |settings| {
        settings.write_uses_every = Duration::from_millis(20)
    })
    .await;
    checked(&verifier, &token).await;
    execute(&mut connection, "DELETE FROM tokens");
    let other = issue(&mut connection, ada.id);
    checked(&verifier, &other).await;
    wait_until("the other's use is written", || {
        tokens::find(&mut connection, ada.id, other.id)
            .unwrap()
            .unwrap()
            .last_used_at
            .is_some()
    });
    drop::<TestDatabase>(database);
}
