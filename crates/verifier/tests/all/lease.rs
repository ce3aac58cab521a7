//! The life of a lease: what is answered while it lasts, what when it is over, and what is left behind.

use crate::support::{
    PATIENCE, by_way_of, check, connect_to, count, database, execute, issue, remembering, server, setting,
    settings, text, unknown, until, wait_until,
};
use jeton_coherence::{BootTime, verifiers};
use jeton_domain::AuditContext;
use jeton_local_postgres::LocalPostgres;
use jeton_verifier::{ConnectError, DEFAULT_LEASE, Verifier, VerifierSettings, VerifyError};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn with_lease(url: &str, lease: Duration) -> VerifierSettings {
    VerifierSettings {
        cache_tokens: 100,
        lease,
        lookup_timeout: Duration::from_secs(1),
        ..settings(url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_gives_a_lease() {
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    let status = verifier.status();
    assert!(
        !status.lease_left.is_zero() && status.lease_left <= DEFAULT_LEASE - DEFAULT_LEASE / 10,
        "{status:?}"
    );
    assert!(
        status.last_renewal.unwrap() < crate::support::PATIENCE,
        "{status:?}"
    );
    assert_eq!(status.entries, 0);
    assert_eq!(verifier.ready().await, Ok(()));
    assert_eq!(count(&mut connection, "verifiers WHERE lease_ms = 5000"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_bounds() {
    let (database, _) = database();
    for lease in [Duration::ZERO, Duration::from_millis(99), Duration::from_secs(61)] {
        let outcome = Verifier::connect(with_lease(database.url(), lease)).await;
        assert!(matches!(outcome, Err(ConnectError::Lease)), "{lease:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_gives_the_lease_back_and_asks_from_then_on() {
    let (database, mut connection, _, token) = setting();
    let verifier = remembering(&database).await;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    verifier.close().await;
    assert_eq!(count(&mut connection, "verifiers"), 0);
    let status = verifier.status();
    assert_eq!((status.lease_left, status.entries), (Duration::ZERO, 0));
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(verifier.status().entries, 0);
    execute(&mut connection, "DELETE FROM tokens");
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_handle_gives_the_lease_back() {
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    let other = remembering(&database).await;
    let clone = verifier.clone();
    drop(verifier);
    assert_eq!(count(&mut connection, "verifiers"), 2);
    drop(clone);
    assert_eq!(count(&mut connection, "verifiers"), 1);
    drop(other);
    assert_eq!(count(&mut connection, "verifiers"), 0);
}

/// Given up by somebody who had waited for it: it starts again, and knows nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_was_given_up_forgets_and_registers_anew() {
    let (database, mut connection, _, token) = setting();
    let verifier = Verifier::connect(with_lease(database.url(), Duration::from_millis(300)))
        .await
        .unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let id = crate::support::text(&mut connection, "SELECT id FROM verifiers");
    // Only somebody who has waited for a lease may do so; the trigger off, so that nothing but this makes it forget.
    execute(
        &mut connection,
        "ALTER TABLE tokens DISABLE TRIGGER tokens_deleted; DELETE FROM verifiers; DELETE FROM tokens",
    );
    until(&verifier, &token, Err(VerifyError::Invalid)).await;
    wait_until("it is registered anew", || {
        count(&mut connection, "verifiers") == 1
    });
    assert_ne!(
        crate::support::text(&mut connection, "SELECT id FROM verifiers"),
        id
    );
}

/// A server that has stopped without a word: known tokens are good for the lease, and then nothing is.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_runs_out_without_word_from_the_database() {
    let (postgres, token) = server();
    let verifier = Verifier::connect(with_lease(&postgres.url(), Duration::from_secs(1)))
        .await
        .unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    postgres.pause().unwrap();
    assert_eq!(check(&verifier, &unknown()).await, Err(VerifyError::Unavailable));
    until(&verifier, &token, Err(VerifyError::Unavailable)).await;
    assert!(verifier.status().lease_left.is_zero());
    assert_eq!(verifier.ready().await, Err(VerifyError::Unavailable));
    postgres.resume().unwrap();
    until(&verifier, &token, Ok(())).await;
}

/// A restart that is over before the lease is: nobody with a known token notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_within_the_lease_goes_unnoticed() {
    let (postgres, token) = server();
    let verifier = Verifier::connect(with_lease(&postgres.url(), Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    for end in [LocalPostgres::stop, LocalPostgres::crash] {
        let id = "SELECT id FROM verifiers";
        let before = crate::support::text(&mut connect_to(&postgres.url()), id);
        end(&postgres).unwrap();
        for _ in 0..100 {
            assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
        }
        assert_eq!(check(&verifier, &unknown()).await, Err(VerifyError::Unavailable));
        postgres.start().unwrap();
        // Registered anew: the row of the life before is gone.
        let mut connection = connect_to(&postgres.url());
        wait_until("it is registered anew", || {
            count(
                &mut connection,
                &format!("verifiers WHERE id <> '{before}' AND version > 0"),
            ) == 1
                && count(&mut connection, "verifiers") == 1
        });
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    }
}

/// A revocation while the verifier cannot be reached waits for the rest of its lease, and then it is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_gone_without_a_word_is_waited_for_once() {
    let (database, mut connection, ada, token) = setting();
    // What a killed process leaves behind: a row that nobody renews.
    execute(
        &mut connection,
        "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'killed', 300)",
    );
    let verifier = remembering(&database).await;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    let revoked =
        jeton_persistence::tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
    assert_eq!(count(&mut connection, "verifiers WHERE name = 'killed'"), 0);
    assert_eq!(count(&mut connection, "verifiers"), 1);
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

/// From the answer, it would outlast what revokers wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_counted_from_when_its_renewal_was_sent() {
    const LEASE: Duration = Duration::from_secs(60);
    let (database, mut connection) = database();
    let verifier = Verifier::connect(with_lease(database.url(), LEASE))
        .await
        .unwrap();
    // No later than the deadline.
    let deadline = || {
        let now = BootTime::now();
        now + verifier.status().lease_left
    };
    // No earlier.
    let before = verifier.status().lease_left;
    let before = BootTime::now() + before;
    let mut holder = connect_to(database.url());
    execute(&mut holder, "BEGIN; SELECT FROM verifiers FOR UPDATE");
    verifiers::nudge(&mut connection, &[]).unwrap();
    let blocked = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("the renewal waits for the lock", || {
        count(&mut connection, blocked) == 1
    });
    let was_sent_before = BootTime::now();
    wait_until("the clock goes on", || {
        BootTime::now() > was_sent_before + Duration::from_millis(20)
    });
    execute(&mut holder, "COMMIT");
    // The next renewal is 20 seconds away.
    wait_until("the renewal is there", || deadline() > before);
    let deadline = deadline();
    assert!(deadline < was_sent_before + (LEASE - LEASE / 10), "{deadline:?}");
}

/// A nudge that names what was revoked: it is forgotten before the renewal is sent that says so, nothing is kept until that is
/// answered, and so one renewal does.
#[tokio::test(flavor = "multi_thread")]
async fn one_renewal_applies_what_a_nudge_has_named() {
    let (database, mut connection, ada, token) = setting();
    let other = issue(&mut connection, ada.id);
    let settings = VerifierSettings {
        lookup_timeout: PATIENCE,
        ..with_lease(database.url(), Duration::from_secs(60))
    };
    let verifier = Verifier::connect(settings).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(verifier.status().entries, 1);

    let by = &AuditContext::cli();
    // In a way that nudges nobody by itself.
    let revoked = jeton_persistence::tokens::revoke_by_operator(&mut connection, by, token.id).unwrap();
    let (_, xids) = revoked.into_unconfirmed();
    let version: i64 = text(&mut connection, "SELECT version FROM verifiers")
        .parse()
        .unwrap();
    let mut holder = connect_to(database.url());
    execute(&mut holder, "BEGIN; SELECT FROM verifiers FOR UPDATE");
    verifiers::nudge(&mut connection, &xids).unwrap();
    let blocked = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("the renewal waits for the lock", || {
        count(&mut connection, blocked) == 1
    });
    assert_eq!(verifier.status().entries, 0);
    assert_eq!(check(&verifier, &other.text).await, Ok(other.id));
    assert_eq!(verifier.status().entries, 0);
    execute(&mut holder, "COMMIT");
    let applied = format!(
        "verifiers WHERE version = {} AND pg_visible_in_snapshot('{}', applied)",
        version + 1,
        xids[0].0
    );
    // The next renewal is 20 seconds away.
    wait_until("it is applied", || count(&mut connection, &applied) == 1);
}

/// Passes so many connections on to the database; those beyond are accepted and never answered.
fn passing_on(url: &str, most: usize) -> (String, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((server, url), (keep, kept)) = (by_way_of(address, url), mpsc::channel());
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let client = client.unwrap();
            if number >= most {
                if keep.send(client).is_err() {
                    return;
                }
                continue;
            }
            let server = TcpStream::connect(&server).unwrap();
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    (url, kept)
}

/// One connection looks at the migrations, one keeps the lease; the third, which looks for a pool, gets no answer.
#[tokio::test(flavor = "multi_thread")]
async fn looking_for_a_pool_holds_no_renewal_up() {
    let (database, mut connection) = database();
    let (url, silent) = passing_on(database.url(), 2);
    let verifier = Verifier::connect(with_lease(&url, Duration::from_secs(60)))
        .await
        .unwrap();
    assert!(!verifier.status().lease_left.is_zero());
    let silent = silent.recv_timeout(crate::support::PATIENCE).unwrap();
    for version in 2..4 {
        verifiers::nudge(&mut connection, &[]).unwrap();
        wait_until("it renews", || {
            count(&mut connection, &format!("verifiers WHERE version >= {version}")) == 1
        });
    }
    drop(silent);
}
