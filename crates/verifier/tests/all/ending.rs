//! The last handle of a verifier goes: its lease is given back, wherever that happens.

use crate::support::{check, count, database, remembering, server, setting, settings, text, wait_until};
use jeton_coherence::verifiers;
use jeton_verifier::{Verifier, VerifierSettings};
use tokio::runtime::{Builder, Runtime};

/// As a small service has it: one thread for everything.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn the_last_handle_gives_the_lease_back_without_a_runtime() {
    let (database, mut connection) = database();
    let runtime = runtime();
    let verifier = runtime.block_on(remembering(&database));
    drop(runtime);
    assert_eq!(count(&mut connection, "verifiers"), 1);
    drop(verifier);
    assert_eq!(count(&mut connection, "verifiers"), 0);
}

/// Which stands still meanwhile.
#[tokio::test]
async fn the_last_handle_gives_the_lease_back_on_a_runtime_of_one_thread() {
    let (database, mut connection) = database();
    let verifier = remembering(&database).await;
    assert_eq!(count(&mut connection, "verifiers"), 1);
    drop(verifier);
    assert_eq!(count(&mut connection, "verifiers"), 0);
}

#[tokio::test]
async fn the_last_handle_writes_what_was_used() {
    let (database, mut connection, _, token) = setting();
    let verifier = remembering(&database).await;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(count(&mut connection, "token_uses"), 0);
    drop(verifier);
    assert_eq!(count(&mut connection, "token_uses"), 1);
}

/// Nor is anybody held up who only waits.
#[tokio::test]
async fn the_last_handle_goes_while_the_database_is_away() {
    let (postgres, token) = server();
    let connect = async || Verifier::connect(settings(&postgres.url())).await.unwrap();
    let (dropped, closed, late) = (connect().await, connect().await, connect().await);
    for verifier in [&dropped, &closed, &late] {
        assert_eq!(check(verifier, &token.text).await, Ok(token.id));
    }
    postgres.pause().unwrap();
    drop(dropped);
    closed.close().await;
    postgres.resume().unwrap();
    postgres.stop().unwrap();
    drop(late);
}

/// What renews runs on a thread of its own. Here the one thread of the application's runtime does something else all the
/// time, and then the runtime is gone.
#[test]
fn renewals_need_no_runtime_of_the_applications() {
    let (database, mut connection) = database();
    let runtime = runtime();
    // By time alone, it would renew in 20 seconds.
    let settings = VerifierSettings {
        lease: jeton_verifier::LONGEST_LEASE,
        ..settings(database.url())
    };
    let verifier = runtime.block_on(Verifier::connect(settings)).unwrap();
    let mut renews = || {
        let version = || "SELECT version FROM verifiers";
        let before = text(&mut connection, version());
        verifiers::nudge(&mut connection, &[]).unwrap();
        wait_until("it renews", || text(&mut connection, version()) != before);
    };
    runtime.block_on(async { renews() });
    renews();
    drop(runtime);
    renews();
    drop(verifier);
}
