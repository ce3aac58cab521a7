//! A server that takes a question and never answers, while its network is as good as ever: nobody is told "invalid", and no
//! thread waits for ever.

use crate::support::{check, connect_to, count, server, settings, text, unknown, until, wait_until};
use jeton_local_postgres::process;
use jeton_verifier::{Verifier, VerifierSettings, VerifyError};
use std::time::Duration;

/// The server's process for one connection, which has stopped until the value is dropped.
struct Stopped(u32);

impl Stopped {
    /// Of the one connection whose last statement was like this.
    fn stop(url: &str, statement: &str) -> Self {
        let theirs = format!(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle' AND query LIKE '{statement}'"
        );
        let pid = text(&mut connect_to(url), &theirs).parse().unwrap();
        process::signal("STOP", &[pid]).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        process::signal("CONT", &[self.0]).unwrap();
    }
}

const LEASE: Duration = Duration::from_secs(1);

fn remembering(url: &str) -> VerifierSettings {
    VerifierSettings {
        cache_tokens: 100,
        lease: LEASE,
        ..settings(url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_is_never_answered_is_given_up_and_the_connection_replaced() {
    let (postgres, token) = server();
    let url = postgres.url();
    let verifier = Verifier::connect(remembering(&url)).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let id = |url: &str| {
        text(
            &mut connect_to(url),
            "SELECT string_agg(id::text, ' ') FROM verifiers",
        )
    };
    let before = id(&url);
    let stopped = Stopped::stop(&url, "%jeton_renew%");
    wait_until("it is registered anew", || id(&url) != before);
    wait_until("it renews", || !verifier.status().lease_left.is_zero());
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(verifier.status().entries, 1);
    // What the first server's process had been sent does no harm when it goes on.
    let after = id(&url);
    drop(stopped);
    let mut connection = connect_to(&url);
    wait_until("the first connection is gone", || {
        count(
            &mut connection,
            "pg_stat_activity WHERE query LIKE '%jeton_renew%' AND pid <> pg_backend_pid()",
        ) == 1
    });
    assert_eq!(id(&url), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_is_never_answered_is_asked_again_on_another_connection() {
    let (postgres, token) = server();
    let url = postgres.url();
    let verifier = Verifier::connect(settings(&url)).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let stopped = Stopped::stop(&url, "%digest%ANY%");
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(check(&verifier, &unknown()).await, Err(VerifyError::Invalid));
    drop(stopped);
}

/// Whoever waits is told before that, and that it cannot be told.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_is_never_answered_is_unavailable_and_heals() {
    let (postgres, token) = server();
    let url = postgres.url();
    let settings = VerifierSettings {
        lookup_timeout: LEASE,
        ..settings(&url)
    };
    let verifier = Verifier::connect(settings).await.unwrap();
    until(&verifier, &token, Ok(())).await;
    let stopped = Stopped::stop(&url, "%digest%ANY%");
    for text in [&token.text, &unknown()] {
        assert_eq!(check(&verifier, text).await, Err(VerifyError::Unavailable));
    }
    until(&verifier, &token, Ok(())).await;
    drop(stopped);
}
