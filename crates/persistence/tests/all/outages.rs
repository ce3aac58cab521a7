//! Connections that are lost, and servers that come back.

use crate::support::{
    PATIENCE, backend_pid, connect, connect_to, count, database, execute, wait_for_blocked, wait_until,
};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{
    Database, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, PoolSettings, TRUSTED_FOR, users,
};
use jeton_proof_support::{TestDatabase, migrate};
use std::sync::{Arc, Barrier};
use std::time::Duration;

fn open(url: &str, connections: u32) -> Database {
    let settings = PoolSettings {
        connections,
        reserved: 0,
        ..PoolSettings::default()
    };
    Database::new(DatabaseUrl::parse(url).unwrap(), settings)
}

fn is_unavailable<T: std::fmt::Debug>(result: &DatabaseResult<T>) -> bool {
    matches!(result, Err(DatabaseError::Unavailable(_)))
}

async fn ask(database: &Database) -> DatabaseResult<usize> {
    let asked = database
        .run(|connection| users::list(connection, &users::UserFilter::default(), None, 10))
        .await;
    asked.map(|users| users.len())
}

/// Ends the server's side of a connection, and waits until it has ended.
fn kill(admin: &mut PgConnection, pid: i32) {
    execute(admin, &format!("SELECT pg_terminate_backend({pid})"));
    wait_until("the backend is gone", || {
        count(admin, &format!("pg_stat_activity WHERE pid = {pid}")) == 0
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_unavailable_until_it_is_back() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let database = open(&postgres.url(), 2);
    assert_eq!(ask(&database).await.unwrap(), 0);
    for end in [LocalPostgres::stop, LocalPostgres::crash] {
        end(&postgres).unwrap();
        for _ in 0..2 {
            let asked = ask(&database).await;
            assert!(is_unavailable(&asked), "{asked:?}");
        }
        postgres.start().unwrap();
        // The same pool; between two attempts of it to connect there may be more time than one request has.
        let mut asked = ask(&database).await;
        for _ in 0..10 {
            if asked.is_ok() {
                break;
            }
            assert!(is_unavailable(&asked), "{asked:?}");
            asked = ask(&database).await;
        }
        assert_eq!(asked.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stuck_is_unavailable_until_it_goes_on() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let settings = PoolSettings {
        connections: 1,
        reserved: 0,
        acquire_timeout: Duration::from_secs(60),
        statement_timeout: Duration::from_secs(60),
        query_timeout: Duration::from_secs(3),
    };
    let database = Database::new(DatabaseUrl::parse(&postgres.url()).unwrap(), settings);
    assert_eq!(ask(&database).await.unwrap(), 0);
    postgres.pause().unwrap();
    let asked = tokio::time::timeout(PATIENCE, ask(&database)).await;
    postgres.resume().unwrap();
    let asked = asked.expect("an answer in the end");
    assert!(is_unavailable(&asked), "{asked:?}");
    assert_eq!(ask(&database).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_unnoticed_is_not_lent() {
    let (test, admin) = &mut database();
    let database = open(test.url(), 1);
    let pid = database.run(|c| Ok(backend_pid(c))).await.unwrap();
    kill(admin, pid);
    // Being idle for as long as a connection is trusted is what this is about.
    tokio::time::sleep(TRUSTED_FOR).await;
    assert_eq!(ask(&database).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_one_connection_is_a_lesson_about_the_others() {
    let (test, admin) = &mut database();
    let database = open(test.url(), 3);
    let all = Arc::new(Barrier::new(3));
    let pid = || {
        let all = all.clone();
        database.run(move |connection| {
            all.wait();
            Ok(backend_pid(connection))
        })
    };
    let (a, b, c) = tokio::join!(pid(), pid(), pid());
    for pid in [a, b, c] {
        kill(admin, pid.unwrap());
    }
    // The first may be lent one that worked a moment ago. Nobody after it.
    let first = ask(&database).await;
    assert!(first.is_ok() || is_unavailable(&first), "{first:?}");
    for _ in 0..3 {
        assert_eq!(ask(&database).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_a_statement_is_unavailable() {
    type Work = fn(&mut PgConnection) -> DatabaseResult<()>;
    let alone: Work = |connection| Ok(connection.batch_execute("DELETE FROM users")?);
    let in_a_transaction: Work = |connection| {
        connection.transaction(|connection| {
            connection.batch_execute("SELECT 1")?;
            Ok(connection.batch_execute("DELETE FROM users")?)
        })
    };
    let test = TestDatabase::create();
    let (lock, admin) = (&mut connect(&test), &mut connect(&test));
    let database = open(test.url(), 1);
    for work in [alone, in_a_transaction] {
        let pid = database
            .run(|connection| Ok(backend_pid(connection)))
            .await
            .unwrap();
        execute(lock, "BEGIN; LOCK TABLE users");
        let running = tokio::spawn({
            let database = database.clone();
            async move { database.run(work).await }
        });
        wait_for_blocked(admin, 1);
        kill(admin, pid);
        let ended = running.await.unwrap();
        assert!(is_unavailable(&ended), "{ended:?}");
        execute(lock, "COMMIT");
        assert_eq!(ask(&database).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_in_a_statement_is_unavailable() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let (lock, admin) = (&mut connect_to(&postgres.url()), &mut connect_to(&postgres.url()));
    let database = open(&postgres.url(), 1);
    execute(lock, "BEGIN; LOCK TABLE users");
    let running = tokio::spawn({
        let database = database.clone();
        async move { ask(&database).await }
    });
    wait_for_blocked(admin, 1);
    postgres.crash().unwrap();
    let ended = running.await.unwrap();
    assert!(is_unavailable(&ended), "{ended:?}");
}
