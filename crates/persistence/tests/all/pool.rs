//! How many connections and threads the door takes, and what becomes of those for whom there is none.

use crate::support::{
    backend_pid, connect, execute, patient, pool, sql, unavailable, wait_for_blocked, with,
};
use jeton_domain::UserId;
use jeton_persistence::{PgConnection, PoolSettings, Turn};
use jeton_proof_support::TestDatabase;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;

async fn poll_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_are_busy_the_next_is_told_so() {
    let test = TestDatabase::create();
    let (lock, watcher) = (&mut connect(&test), &mut connect(&test));
    execute(lock, "BEGIN; LOCK TABLE users");
    let settings = PoolSettings {
        acquire_timeout: Duration::from_millis(50),
        ..patient()
    };
    let database = with(&test, settings);
    // To make a connection may take longer than this pool waits for one.
    while database.run(sql("SELECT 1")).await.is_err() {}
    let blocked = tokio::spawn({
        let database = database.clone();
        async move { database.run(sql("DELETE FROM users")).await }
    });
    wait_for_blocked(watcher, 1);
    let reason = unavailable(database.run(sql("SELECT 1")).await);
    assert!(reason.contains("busy"), "{reason}");

    execute(lock, "COMMIT");
    blocked.await.unwrap().unwrap();
    database.run(sql("SELECT 1")).await.unwrap();
}

/// Whoever has to wait does so as a future. A thread each would take those that hash passwords.
#[test]
fn waiting_takes_no_threads() {
    let test = TestDatabase::create();
    let (lock, watcher) = (&mut connect(&test), &mut connect(&test));
    execute(lock, "BEGIN; LOCK TABLE users");
    let threads = Arc::new(AtomicUsize::new(0));
    let started = threads.clone();
    // The only thread of this runtime is the test's; what it starts is for blocking work.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || {
            started.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let database = pool(&test, 2);
        let mut runs: Vec<_> = (0..20)
            .map(|_| Box::pin(database.run(sql("DELETE FROM users"))))
            .collect();
        for run in &mut runs {
            assert!(poll_once(run.as_mut()).await.is_pending());
        }
        wait_for_blocked(watcher, 2);
        assert_eq!(threads.load(Ordering::SeqCst), 2);

        execute(lock, "COMMIT");
        for run in runs {
            run.await.unwrap();
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_are_made_than_allowed() {
    let test = TestDatabase::create();
    let database = pool(&test, 2);
    let running = Arc::new(AtomicUsize::new(0));
    let runs: Vec<_> = (0..20)
        .map(|_| {
            let (database, running) = (database.clone(), running.clone());
            tokio::spawn(async move {
                let work = move |connection: &mut PgConnection| {
                    let at_once = running.fetch_add(1, Ordering::SeqCst) + 1;
                    let pid = backend_pid(connection);
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok((at_once, pid))
                };
                database.run(work).await.unwrap()
            })
        })
        .collect();
    let mut pids = Vec::new();
    for run in runs {
        let (at_once, pid) = run.await.unwrap();
        assert!(at_once <= 2, "{at_once}");
        pids.push(pid);
    }
    pids.sort_unstable();
    pids.dedup();
    assert!(pids.len() <= 2, "{pids:?}");
}

/// Both of two connections are used when two want one.
#[tokio::test(flavor = "multi_thread")]
async fn two_work_side_by_side() {
    let test = TestDatabase::create();
    let database = pool(&test, 2);
    let both = Arc::new(Barrier::new(2));
    let meet = || {
        let both = both.clone();
        database.run(move |connection| {
            both.wait();
            Ok(backend_pid(connection))
        })
    };
    let (one, other) = (pin!(meet()), pin!(meet()));
    let (one, other) = tokio::join!(one, other);
    assert_ne!(one.unwrap(), other.unwrap());
}

/// Revocations do not wait until the connections that everything else takes are free.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_goes_on_when_all_others_are_busy() {
    let test = TestDatabase::create();
    let (lock, watcher) = (&mut connect(&test), &mut connect(&test));
    execute(lock, "BEGIN; LOCK TABLE users");
    let database = with(
        &test,
        PoolSettings {
            connections: 2,
            reserved: 1,
            ..patient()
        },
    );
    let blocked: Vec<_> = (0..20)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.run(sql("DELETE FROM users")).await })
        })
        .collect();
    wait_for_blocked(watcher, 2);
    for user in 0..3 {
        let turn = Turn::User(UserId(uuid::Uuid::from_u128(user)));
        database.run_reserved(turn, sql("SELECT 1")).await.unwrap();
    }
    assert_eq!(database.status().most, 3);
    execute(lock, "COMMIT");
    for one in blocked {
        one.await.unwrap().unwrap();
    }
}
