//! The one door: what it lends, and what its errors say.

use crate::support::{
    CLI, backend_pid, connect, constraint, count, create_user, execute, new_user, patient, pool, sql, text,
    unavailable, wait_until, with,
};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use jeton_persistence::{
    ConnectionLimits, Database, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, PoolSettings,
    establish, migrations, users,
};
use jeton_proof_support::TestDatabase;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_through_the_door() {
    let test = TestDatabase::create();
    let database = pool(&test, 2);
    let new = new_user("ada");
    let created = database
        .run(move |connection| users::create(connection, &CLI, &new))
        .await
        .unwrap();
    let id = created.id;
    let found = database
        .clone()
        .run(move |connection| users::find(connection, id))
        .await;
    assert_eq!(found.unwrap(), Some(created));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_apart() {
    let test = TestDatabase::create();
    create_user(&mut connect(&test), "ada");
    let database = pool(&test, 1);

    let taken = database
        .run(|connection| users::create(connection, &CLI, &new_user("ADA")))
        .await;
    assert_eq!(constraint(taken), users::USERNAME_TAKEN);
    for defect in [
        "SELEC 1",
        "SELECT * FROM nowhere",
        "UPDATE users SET username_key = NULL",
        "SELECT 1/0",
    ] {
        let failed = database.run(sql(defect)).await;
        assert!(
            matches!(failed, Err(DatabaseError::Query(_))),
            "{defect}: {failed:?}"
        );
    }
    for away in [
        "BEGIN READ ONLY; DELETE FROM users",
        "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
        "SELECT pg_terminate_backend(pg_backend_pid()); SELECT pg_sleep(60)",
    ] {
        let failed = database.run(sql(away)).await;
        assert!(
            matches!(failed, Err(DatabaseError::Unavailable(_))),
            "{away}: {failed:?}"
        );
    }
    database.run(sql("DELETE FROM users")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_unavailable() {
    let url = {
        let test = TestDatabase::empty();
        DatabaseUrl::parse(test.url()).unwrap()
    };
    let established = establish(&url, ConnectionLimits::NONE).map(drop);
    assert!(unavailable(established).contains("does not exist"));
    let settings = PoolSettings {
        acquire_timeout: Duration::from_millis(200),
        ..patient()
    };
    unavailable(Database::new(url, settings).run(sql("SELECT 1")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_cancelled() {
    let test = TestDatabase::create();
    let settings = PoolSettings {
        statement_timeout: Duration::from_millis(100),
        ..patient()
    };
    let database = with(&test, settings);
    let reason = unavailable(database.run(sql("SELECT pg_sleep(60)")).await);
    assert!(reason.contains("statement timeout"), "{reason}");
    database.run(sql("SELECT 1")).await.unwrap();
}

/// Migrations and the operator's commands take the time they need.
#[test]
fn a_connection_without_limits_has_none_set() {
    let test = TestDatabase::empty();
    assert_eq!(
        text(&mut connect(&test), "SELECT current_setting('statement_timeout')"),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_when_whoever_waits_stops() {
    let test = TestDatabase::create();
    let (lock, watcher) = (&mut connect(&test), &mut connect(&test));
    execute(lock, "BEGIN; LOCK TABLE users IN SHARE MODE");
    let settings = PoolSettings {
        acquire_timeout: Duration::from_millis(50),
        query_timeout: Duration::from_millis(50),
        ..patient()
    };
    let database = with(&test, settings);
    // The first connection may take longer to make than this pool's patience.
    let mut reason;
    loop {
        let new = new_user("ada");
        reason = unavailable(
            database
                .run(move |connection| users::create(connection, &CLI, &new).map(drop))
                .await,
        );
        if count(
            watcher,
            "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        ) > 0
        {
            break;
        }
    }
    assert!(
        reason.contains("no answer in time") || reason.contains("busy"),
        "{reason}"
    );
    // The connection is still lent.
    let reason = unavailable(database.run(sql("SELECT 1")).await);
    assert!(reason.contains("busy"), "{reason}");

    execute(lock, "COMMIT");
    wait_until("the user is there", || count(watcher, "users") == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_and_the_pool_goes_on() {
    let test = TestDatabase::create();
    let database = pool(&test, 1);
    let pid = database
        .run(|connection| Ok(backend_pid(connection)))
        .await
        .unwrap();
    let panicked = database
        .run(|connection| -> DatabaseResult<()> {
            connection.batch_execute("BEGIN; LOCK TABLE users")?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(panicked, Err(DatabaseError::Query(_))), "{panicked:?}");
    // On another connection: that one was in the middle of something.
    let next = database
        .run(|connection| Ok(backend_pid(connection)))
        .await
        .unwrap();
    assert_ne!(next, pid);
    database.run(sql("DELETE FROM users")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_left_open_goes_with_its_connection() {
    let test = TestDatabase::create();
    let database = pool(&test, 1);
    let left_open = |connection: &mut PgConnection| {
        AnsiTransactionManager::begin_transaction(connection)?;
        users::create(connection, &CLI, &new_user("ada"))?;
        Ok(backend_pid(connection))
    };
    let pid = database.run(left_open).await.unwrap();
    let next = database
        .run(|connection| {
            Ok((
                backend_pid(connection),
                users::list(connection, &users::UserFilter::default(), None, 10)?,
            ))
        })
        .await;
    let (next, users) = next.unwrap();
    assert_ne!(next, pid);
    assert_eq!(users, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_migrations_can_be_asked_for_through_the_pool() {
    let test = TestDatabase::empty();
    let pending = pool(&test, 1)
        .run(|connection| Ok(migrations::pending(connection).unwrap().len()))
        .await;
    assert!(pending.unwrap() > 0);
}
