#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::connection::transaction_async;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection};
use crate::{connect, establish, read_only, transaction};
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel_async::SimpleAsyncConnection as _;
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{SilentStandby, count, execute, wait_until};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;

const INSERT: &str = "INSERT INTO t DEFAULT VALUES";

type Act = fn(&mut PgConnection) -> DatabaseResult<()>;

/// All ways to commit.
const ACTS: [(&str, Act); 3] = [
    ("a transaction", write),
    ("a batch", |c| batch(c, INSERT)),
    ("a statement", |c| {
        Ok(diesel::sql_query(INSERT).execute(c).map(drop)?)
    }),
];

/// A server whose commits wait for a standby that does not answer.
fn server() -> LocalPostgres {
    let server = LocalPostgres::temporary().unwrap();
    batch(
        &mut open(&server, &ConnectionLimits::NONE),
        "CREATE TABLE t (a int)",
    )
    .unwrap();
    server
}

fn open(server: &LocalPostgres, limits: &ConnectionLimits) -> PgConnection {
    establish(&url(server), limits.clone()).unwrap()
}

fn url(server: &LocalPostgres) -> DatabaseUrl {
    DatabaseUrl::parse(&server.url()).unwrap()
}

fn limits(most_hanging: u32) -> ConnectionLimits {
    ConnectionLimits::new(Duration::from_millis(100), most_hanging)
}

fn batch(connection: &mut PgConnection, statements: &str) -> DatabaseResult<()> {
    Ok(connection.batch_execute(statements)?)
}

fn write(connection: &mut PgConnection) -> DatabaseResult<()> {
    transaction(connection, |connection| batch(connection, INSERT))
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(result: DatabaseResult<T>) -> String {
    match result {
        Err(DatabaseError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_that_is_not_answered_is_unavailable_and_its_connection_abandoned() {
    let server = server();
    let _standby = SilentStandby::of(&server);
    for (what, act) in ACTS {
        // Each of them as if it were the first.
        let connection = &mut open(&server, &limits(9));
        let reason = unavailable(act(connection));
        assert!(reason.contains("no answer within"), "{what}: {reason}");
        assert!(connection.is_broken(), "{what}");
        // At once: nothing is waited for on it any more.
        unavailable(connection.ping());
    }
    let limits = limits(9);
    unavailable(write(&mut open(&server, &limits)));
    assert_eq!(limits.abandoned(), 1);
}

#[test]
fn a_server_that_stands_still_is_unavailable() {
    let server = LocalPostgres::temporary().unwrap();
    let connection = &mut establish(&url(&server), limits(1)).unwrap();
    server.pause().unwrap();
    let reason = unavailable(batch(connection, "SELECT 1"));
    assert!(reason.contains("no answer within"), "{reason}");
    let late = unavailable(batch(connection, "SELECT 1"));
    assert_eq!(late, reason);
    server.resume().unwrap();
    unavailable(batch(connection, "SELECT 1"));
}

#[test]
fn what_hangs_once_is_asked_of_the_server_no_more_until_it_is_over() {
    let server = server();
    let standby = SilentStandby::of(&server);
    let limits = limits(2);
    unavailable(write(&mut open(&server, &limits)));
    assert_eq!(standby.waiting(), 1);

    let connection = &mut open(&server, &limits);
    assert_eq!(limits.hanging_commits(), 1);
    // What would hang as well is refused at once, and leaves nothing behind.
    let refused = unavailable(write(connection));
    assert!(refused.contains("synchronous standby"), "{refused}");
    assert!(!connection.is_broken());
    read_only(connection, |c| batch(c, "SELECT * FROM t")).unwrap();
    transaction(connection, |c| batch(c, "SELECT * FROM t")).unwrap();
    transaction(connection, |c| {
        batch(c, "SET LOCAL synchronous_commit = off")?;
        batch(c, INSERT)
    })
    .unwrap();
    assert_eq!(standby.waiting(), 1);
    assert_eq!(limits.abandoned(), 1);

    standby.end();
    connection.look().unwrap();
    assert_eq!(limits.hanging_commits(), 0);
    assert!(!limits.suspects());
    write(connection).unwrap();
}

#[test]
fn no_connection_is_opened_beside_too_many_commits_that_hang() {
    let server = server();
    let standby = SilentStandby::of(&server);
    let limits = limits(2);
    // Both before anything is known.
    let mut both = [open(&server, &limits), open(&server, &limits)];
    for connection in &mut both {
        unavailable(batch(connection, INSERT));
    }
    drop(both);
    assert_eq!(standby.waiting(), 2, "dropped, they wait on");
    let refused = unavailable(establish(&url(&server), limits.clone()).map(drop));
    assert!(refused.contains("2 commits of this role"), "{refused}");
    standby.end();
    write(&mut open(&server, &limits)).unwrap();
}

#[test]
fn a_commit_whose_wait_for_the_standby_is_cancelled_is_unavailable() {
    let server = server();
    let standby = SilentStandby::of(&server);
    for silent in ["", "?options=-c%20client_min_messages%3Derror"] {
        for (what, act) in ACTS {
            let url = DatabaseUrl::parse(&format!("{}{silent}", server.url())).unwrap();
            let mut connection = establish(&url, ConnectionLimits::NONE).unwrap();
            let acting = thread::spawn(move || act(&mut connection));
            standby.wait_for(1);
            standby.cancel();
            let reason = unavailable(acting.join().unwrap());
            assert!(reason.contains("cancelled"), "{what} {silent}: {reason}");
        }
    }
}

#[test]
fn so_is_one_that_is_waited_for() {
    let server = server();
    let standby = SilentStandby::of(&server);
    let url = url(&server);
    let committing = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = connect(&url, &ConnectionLimits::NONE).await?;
            transaction_async(&mut connection, async |connection| {
                Ok(connection.batch_execute(INSERT).await?)
            })
            .await
        })
    });
    standby.wait_for(1);
    standby.cancel();
    let reason = unavailable(committing.join().unwrap());
    assert!(reason.contains("cancelled"), "{reason}");
}

/// Reports of the same role's, say: the server answers, and what was abandoned is over.
#[test]
fn statements_of_the_role_that_take_long_keep_nobody_out() {
    let server = LocalPostgres::temporary().unwrap();
    let limits = limits(1);
    let report = &mut open(&server, &limits);
    server.pause().unwrap();
    unavailable(batch(report, "SELECT 1"));
    server.resume().unwrap();
    assert!(limits.suspects());

    let mut long = open(&server, &ConnectionLimits::NONE);
    let other = &mut jeton_proof_support::connect(&server.url());
    thread::scope(|scope| {
        let sleeping = scope.spawn(move || batch(&mut long, "SELECT pg_sleep(600)"));
        let of_age = "pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid() \
            AND query_start < clock_timestamp() - interval '1 second'";
        wait_until("it has gone on for long", || count(other, of_age) == 1);
        let admitted = establish(&url(&server), limits.clone()).map(drop);
        execute(
            other,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'",
        );
        unavailable(sleeping.join().unwrap());
        admitted.unwrap();
    });
    assert!(!limits.suspects());
}
