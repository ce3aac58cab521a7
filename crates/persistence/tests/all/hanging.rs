//! A synchronous standby that does not answer, which no time limit of the server's knows of.

use crate::support::{execute, wait_until};
use diesel::connection::SimpleConnection;
use jeton_coherence::transaction;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{
    Database, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, PoolSettings, users,
};
use jeton_proof_support::{SilentStandby, connect, migrate};
use std::time::Duration;

const POOL: u32 = 3;

fn pool(postgres: &LocalPostgres) -> Database {
    let settings = PoolSettings {
        connections: POOL,
        reserved: 0,
        // Only the deadline of a statement is left to end anything.
        acquire_timeout: Duration::from_secs(10),
        query_timeout: Duration::from_secs(60),
        statement_timeout: Duration::from_millis(200),
    };
    Database::new(DatabaseUrl::parse(&postgres.url()).unwrap(), settings)
}

fn server() -> LocalPostgres {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    execute(&mut connect(&postgres.url()), "CREATE TABLE apart (a int)");
    postgres
}

fn write(connection: &mut PgConnection) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        Ok(connection.batch_execute("INSERT INTO apart DEFAULT VALUES")?)
    })
}

/// Which nobody else does meanwhile.
fn write_alone(connection: &mut PgConnection) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        connection.batch_execute("SELECT pg_advisory_xact_lock(1)")?;
        write(connection)
    })
}

fn read(connection: &mut PgConnection) -> DatabaseResult<()> {
    users::list(connection, &users::UserFilter::default(), None, 10).map(drop)
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(result: DatabaseResult<T>) -> String {
    match result {
        Err(DatabaseError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_opens_no_more_connections_beside_as_many_commits_that_hang() {
    let postgres = server();
    let database = pool(&postgres);
    database.run(read).await.unwrap();
    let standby = SilentStandby::of(&postgres);

    // All at once, and none is known to hang.
    let writing: Vec<_> = (0..POOL)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.run(write).await })
        })
        .collect();
    for one in writing {
        unavailable(one.await.unwrap());
    }
    let status = database.status();
    assert_eq!(status.abandoned, u64::from(POOL));
    assert_eq!(standby.waiting(), POOL as usize);
    let refused = unavailable(database.run(read).await);
    assert!(refused.contains("3 commits of this role"), "{refused}");
    standby.end();
    wait_until("connections are opened again", || {
        database.status().connections > 0
    });
    database.run(read).await.unwrap();
    database.run(write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_knows_of_a_commit_that_hangs_refuses_more_and_goes_on_reading() {
    let postgres = server();
    let database = pool(&postgres);
    let standby = SilentStandby::of(&postgres);
    let reason = unavailable(database.run(write_alone).await);
    assert!(reason.contains("no answer"), "{reason}");

    for _ in 0..2 * POOL {
        database.run(read).await.unwrap();
        let reason = unavailable(database.run(write).await);
        assert!(reason.contains("synchronous standby"), "{reason}");
        // Nor does it wait for what the one that hangs has locked.
        let reason = unavailable(database.run(write_alone).await);
        assert!(reason.contains("lock timeout"), "{reason}");
    }
    assert_eq!(
        (database.status().abandoned, database.status().hanging_commits),
        (1, 1)
    );
    assert_eq!(standby.waiting(), 1);

    standby.end();
    database.run(write).await.unwrap();
    assert_eq!(
        (database.status().abandoned, database.status().hanging_commits),
        (1, 0)
    );
}

/// And the thread that has waited is there for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_keeps_no_thread() {
    let postgres = server();
    let database = pool(&postgres);
    database.run(read).await.unwrap();
    postgres.pause().unwrap();
    unavailable(database.run(read).await);
    postgres.resume().unwrap();
    database.run(read).await.unwrap();
}
