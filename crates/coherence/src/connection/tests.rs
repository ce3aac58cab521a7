#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::verifiers::find_session;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, connect, establish};
use crate::{read_only, transaction};
use diesel::RunQueryDsl;
use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use jeton_proof_support::TestDatabase;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ITSELF: &str = "SELECT pg_terminate_backend(pg_backend_pid())";

fn url(database: &TestDatabase) -> DatabaseUrl {
    DatabaseUrl::parse(database.url()).unwrap()
}

fn open(database: &TestDatabase) -> PgConnection {
    establish(&url(database), ConnectionLimits::NONE).unwrap()
}

fn run(connection: &mut PgConnection, statement: &str) -> DatabaseResult<()> {
    Ok(diesel::sql_query(statement).execute(connection).map(drop)?)
}

fn batch(connection: &mut PgConnection, statements: &str) -> DatabaseResult<()> {
    Ok(connection.batch_execute(statements)?)
}

fn process(connection: &mut PgConnection) -> i32 {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
        .get_result(connection)
        .unwrap()
}

#[track_caller]
fn is_unavailable<T: std::fmt::Debug>(result: DatabaseResult<T>) {
    assert!(matches!(result, Err(DatabaseError::Unavailable(_))), "{result:?}");
}

/// The server's last word is an error like any other, but for its code.
#[test]
fn a_connection_that_the_server_ends_is_unavailable() {
    let database = TestDatabase::empty();
    type Act = fn(&mut PgConnection) -> DatabaseResult<()>;
    let acts: [(&str, Act); 5] = [
        ("a statement", |c| run(c, ITSELF)),
        ("a batch", |c| batch(c, ITSELF)),
        ("a transaction", |c| transaction(c, |c| run(c, ITSELF))),
        ("one within another", |c| {
            transaction(c, |c| transaction(c, |c| run(c, ITSELF)))
        }),
        ("its end", |c| {
            transaction(c, |c| {
                let _ = run(c, ITSELF);
                Ok(())
            })
        }),
    ];
    for (what, act) in acts {
        let connection = &mut open(&database);
        let ended = act(connection);
        assert!(
            matches!(ended, Err(DatabaseError::Unavailable(_))),
            "{what}: {ended:?}"
        );
        is_unavailable(run(connection, "SELECT 1"));
        is_unavailable(connection.ping());
        is_unavailable(connection.wait(find_session));
    }
}

#[test]
fn a_connection_that_was_ended_while_idle_is_unavailable() {
    let database = TestDatabase::empty();
    let connection = &mut open(&database);
    let end = format!("SELECT pg_terminate_backend({}, 10000)", process(connection));
    let old = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
        AND datname = current_database()";
    // Before Postgres 14 nobody can wait for it.
    let killer = &mut open(&database);
    if run(killer, &end).is_err() {
        run(killer, old).unwrap();
    }
    is_unavailable(transaction(connection, |c| run(c, "SELECT 1")));
}

#[test]
fn what_a_statement_does_wrong_is_its_own() {
    let database = TestDatabase::empty();
    let limits = ConnectionLimits::new(Duration::from_millis(500), 1);
    let connection = &mut establish(&url(&database), limits).unwrap();
    batch(
        connection,
        "CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0), CONSTRAINT one UNIQUE (a))",
    )
    .unwrap();
    let holder = &mut open(&database);
    batch(holder, "BEGIN; LOCK t").unwrap();
    for statement in [
        "SELECT 1 / 0",
        "SELECT pg_sleep(10)",
        "SELECT no_such_column",
        "LOCK TABLE t NOWAIT",
    ] {
        let failed = transaction(connection, |c| run(c, statement));
        assert!(
            matches!(failed, Err(DatabaseError::Query(_))),
            "{statement}: {failed:?}"
        );
        connection.ping().unwrap();
    }
    batch(holder, "ROLLBACK").unwrap();
    for (rows, named) in [("(-1)", "positive"), ("(1), (1)", "one")] {
        match run(connection, &format!("INSERT INTO t VALUES {rows}")) {
            Err(DatabaseError::Conflict { constraint }) => assert_eq!(constraint, named),
            other => panic!("{other:?}"),
        }
    }
    let full = "DO $$ BEGIN RAISE 'out of shared memory' USING ERRCODE = 'out_of_memory'; END $$";
    is_unavailable(run(connection, full));
    // As through a pool that has lent another connection.
    match run(connection, "EXECUTE s7") {
        Err(DatabaseError::Unavailable(reason)) => assert!(reason.contains("transaction mode"), "{reason}"),
        other => panic!("{other:?}"),
    }
    // This was the primary until a moment ago.
    is_unavailable(read_only(connection, |c| run(c, "INSERT INTO t VALUES (2)")));
    connection.ping().unwrap();
}

#[test]
fn a_server_that_is_not_there_or_refuses_is_unavailable() {
    let database = TestDatabase::empty();
    let nobody = DatabaseUrl::parse("postgres://127.0.0.1:1/db").unwrap();
    let nothing = DatabaseUrl::parse(&database.url().replace(database.name(), "no_such_database")).unwrap();
    for (url, said) in [(nobody, "refused"), (nothing, "no_such_database")] {
        match establish(&url, ConnectionLimits::NONE) {
            Err(DatabaseError::Unavailable(reason)) => assert!(reason.contains(said), "{reason}"),
            other => panic!("{:?}", other.map(drop)),
        }
    }
}

/// A test, or a service's own code; Tokio itself would let nobody.
#[tokio::test]
async fn a_connection_blocks_a_thread_that_drives_a_runtime() {
    let database = TestDatabase::empty();
    let connection = &mut open(&database);
    transaction(connection, |c| run(c, "SELECT 1")).unwrap();
    assert!(process(connection) > 0);
    drop(open(&database).on_blocking_threads());
}

#[tokio::test]
async fn a_connection_that_is_waited_for_lives_on_the_runtime_that_opened_it() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&url(&database), &ConnectionLimits::NONE).await.unwrap();
    let session = find_session(connection).await.unwrap();
    assert_eq!(find_session(connection).await.unwrap(), session);
}

#[test]
fn a_transaction_begins_with_one_statement() {
    let database = TestDatabase::empty();
    let connection = &mut open(&database);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = seen.clone();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            seeing.lock().unwrap().push(query.to_string());
        }
    });
    let nothing = |_: &mut PgConnection| Ok::<_, DatabaseError>(());
    transaction(connection, |c| transaction(c, nothing)).unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "SAVEPOINT diesel_savepoint_1",
            "RELEASE SAVEPOINT diesel_savepoint_1",
            "COMMIT"
        ]
    );
}
