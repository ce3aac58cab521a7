//! Whatever happens to the database, a check that cannot be made is unavailable, and never invalid.

use crate::gate::Gate;
use crate::support::{
    Issued, PATIENCE, check, connect_to, count, execute, poll_once, server, setting, settings, start,
    token_of, unknown, verifier_with_threads, wait_until,
};
use jeton_local_postgres::LocalPostgres;
use jeton_verifier::{Verifier, VerifierSettings, VerifyError};
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// One thread, so that it is the one whose connection has gone.
fn one_thread(postgres: &LocalPostgres) -> VerifierSettings {
    VerifierSettings {
        lookup_threads: 1,
        ..settings(&postgres.url())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_while_the_server_is_down_is_unavailable_unless_malformed() {
    let (postgres, token) = server();
    let verifier = Verifier::connect(one_thread(&postgres)).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    postgres.stop().unwrap();
    for text in [&token.text, &unknown(), &token.text] {
        assert_eq!(check(&verifier, text).await, Err(VerifyError::Unavailable));
    }
    for text in ["", "jtn_mistyped", &token.text.to_lowercase(), &token.text[1..]] {
        // Nobody is asked, so the answer is there at once.
        let outcome = poll_once(pin!(verifier.verify(text))).await.map(token_of);
        assert_eq!(
            outcome,
            std::task::Poll::Ready(Err(VerifyError::Invalid)),
            "{text:?}"
        );
    }
}

/// The first check after a restart finds the old connection dead, and asks again on a new one.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_check_after_a_restart_works() {
    let (postgres, token) = server();
    let verifier = Verifier::connect(one_thread(&postgres)).await.unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    for end in [LocalPostgres::stop, LocalPostgres::crash] {
        end(&postgres).unwrap();
        postgres.start().unwrap();
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    }
    // The same after checks that failed.
    postgres.crash().unwrap();
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Unavailable));
    postgres.start().unwrap();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(check(&verifier, &unknown()).await, Err(VerifyError::Invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stuck_costs_patience_and_nothing_else() {
    let (postgres, token) = server();
    let settings = VerifierSettings {
        lookup_timeout: Duration::from_secs(1),
        ..one_thread(&postgres)
    };
    let verifier = Verifier::connect(settings).await.unwrap();
    let mut admin = connect_to(&postgres.url());
    until_valid(&verifier, &token).await;

    postgres.pause().unwrap();
    for text in [&token.text, &unknown()] {
        let outcome = timeout(PATIENCE, verifier.verify(text)).await.unwrap();
        assert_eq!(token_of(outcome), Err(VerifyError::Unavailable));
    }
    postgres.resume().unwrap();
    until_valid(&verifier, &token).await;
    execute(&mut admin, "DELETE FROM tokens");
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

/// A slow machine may take longer than a short time-out; then the answer is "unavailable", and another try is right.
async fn until_valid(verifier: &Verifier, token: &Issued) {
    for _ in 0..60 {
        match verifier.verify(&token.text).await {
            Err(VerifyError::Unavailable) => {}
            other => return assert_eq!(token_of(other), Ok(token.id)),
        }
    }
    panic!("unavailable for good");
}

/// Ends the server's side of the look-up connections.
fn kill_lookups(connection: &mut jeton_persistence::PgConnection, whose: &str) {
    let theirs = format!(
        "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND query LIKE '%digest%ANY%' AND {whose}"
    );
    assert_eq!(count(connection, &theirs), 1);
    execute(
        connection,
        &format!("SELECT pg_terminate_backend(pid) FROM {theirs}"),
    );
    wait_until("the backend is gone", || count(connection, &theirs) == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_unnoticed_is_nobodys_trouble() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier_with_threads(&database, 1).await;
    for _ in 0..2 {
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
        wait_until("the connection that looked at the migrations is gone", || {
            crate::support::others(&mut connection) == 2
        });
        kill_lookups(&mut connection, "true");
    }
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_connection_breaks_is_asked_again() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier_with_threads(&database, 1).await;
    let mut gate = Gate::install(&database);
    // On a connection from before: one that was made for the question is not the one that died unnoticed.
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));

    gate.close();
    let check = start(&verifier, &mut gate, &token).await;
    kill_lookups(&mut connection, "wait_event_type = 'Lock'");
    gate.open();
    assert_eq!(token_of(check.await.unwrap()), Ok(token.id));
}

/// The server cancels it: a thread is not lost to a query that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_hangs_is_given_up() {
    let (database, _, _, token) = setting();
    let verifier = verifier_with_threads(&database, 1).await;
    let mut gate = Gate::closed(&database);
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Unavailable));
    assert_eq!(gate.queue(), 0, "the query is over as well");
    gate.open();
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}
