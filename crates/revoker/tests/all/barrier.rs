use diesel::connection::SimpleConnection;
use jeton_coherence::revocations::{revoking, unapplied};
use jeton_coherence::verifiers::{self, Registered, Renewal};
use jeton_coherence::{Pending, Snapshot};
use jeton_domain::TokenDigest;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{DatabaseUrl, PgConnection};
use jeton_proof_support::{connect as connect_to, count, database, execute, migrate, text, wait_until};
use jeton_revoker::{Barrier, confirm};
use std::thread;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// What stands between a mistake and a test that never ends; less than the longest lease and a little.
const PATIENCE: Duration = Duration::from_secs(50);

fn url(text: &str) -> DatabaseUrl {
    DatabaseUrl::parse(text).unwrap()
}

/// A revocation, of everything, by way of the log alone.
fn revoke(connection: &mut PgConnection) -> Pending<()> {
    let log = "INSERT INTO revocations (digest) VALUES ('')";
    let pending = revoking(connection, |connection| Ok(connection.batch_execute(log)?)).unwrap();
    assert!(!pending.is_settled());
    pending
}

fn register(connection: &mut PgConnection, lease: Duration) -> (Uuid, Snapshot) {
    let id = Uuid::now_v7();
    let Registered { applied, .. } = connection
        .wait(|c| verifiers::register(c, id, None, "a row", lease))
        .unwrap();
    (id, applied)
}

fn renew(connection: &mut PgConnection, id: Uuid, applied: Snapshot) -> Renewal {
    let session = verifiers::session(connection).unwrap();
    let renewed = connection
        .wait(|c| verifiers::renew(c, id, session, applied, &[]))
        .unwrap();
    renewed.unwrap()
}

fn registered(connection: &mut PgConnection) -> Vec<Uuid> {
    let rows = verifiers::list(connection).unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_barrier_without_verifiers_is_over_at_once() {
    let (database, connection) = &mut database();
    let barrier = Barrier::start(url(database.url())).unwrap();
    let pending = revoke(connection);
    barrier.confirm(pending.clone()).await.unwrap();
    confirm(connection, pending).unwrap();
    // One who registers after the revocation has seen it.
    register(connection, Duration::from_secs(60));
    let pending = unapplied(connection).unwrap();
    barrier.confirm(pending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_barrier_waits_until_the_last_verifier_has_applied_it() {
    let (database, connection) = &mut database();
    let lease = Duration::from_secs(60);
    let (first, then) = register(connection, lease);
    let (second, then_too) = register(connection, lease);
    let barrier = Barrier::start(url(database.url())).unwrap();
    let pending = revoke(connection);
    let waiting = tokio::spawn(async move { barrier.confirm(pending).await });

    // Reading it is not having applied it.
    let read = renew(connection, first, then);
    assert!(!read.revoked.is_empty());
    let again = renew(connection, first, read.snapshot);
    assert!(again.revoked.is_empty());
    let read = renew(connection, second, then_too);
    assert!(!waiting.is_finished());
    renew(connection, second, read.snapshot);
    waiting.await.unwrap().unwrap();
    assert_eq!(registered(connection), [first, second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_goes_in_order_is_not_waited_for() {
    let (database, connection) = &mut database();
    let (id, _) = register(connection, Duration::from_secs(60));
    let pending = revoke(connection);
    let barrier = Barrier::start(url(database.url())).unwrap();
    let waiting = tokio::spawn(async move { barrier.confirm(pending).await });
    connection.wait(|c| verifiers::deregister(c, id)).unwrap();
    waiting.await.unwrap().unwrap();
}

#[test]
fn a_dead_one_is_waited_for_once_and_taken_off_the_list() {
    let (_, connection) = &mut database();
    register(connection, Duration::from_millis(200));
    let (live, mut applied) = register(connection, Duration::from_secs(60));
    let first = revoke(connection);
    for _ in 0..3 {
        applied = renew(connection, live, applied).snapshot;
    }
    confirm(connection, first).unwrap();
    assert_eq!(registered(connection), [live]);
}

/// By its role's own transaction, which may be open for as long as it likes. Nobody waits for that, and it keeps no other
/// from being taken off the list.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_one_whose_row_is_held_is_waited_for_and_no_longer() {
    let (database, connection) = &mut database();
    let holder = &mut connect_to(database.url());
    let (held, applied) = register(holder, Duration::from_millis(300));
    register(connection, Duration::from_millis(200));
    let pending = revoke(connection);
    execute(holder, "BEGIN");
    renew(holder, held, applied);
    let barrier = Barrier::start(url(database.url())).unwrap();
    barrier.confirm(pending.clone()).await.unwrap();
    confirm(connection, pending).unwrap();
    wait_until("the other is taken off the list", || {
        registered(connection) == [held]
    });
    execute(holder, "ROLLBACK");
    wait_until("and then this one", || {
        let pending = unapplied(connection).unwrap();
        confirm(connection, pending).unwrap();
        registered(connection).is_empty()
    });
}

/// Nobody waits for it, since it has applied everything; the next revocation should not have to.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_died_unnoticed_is_taken_off_the_list() {
    let (database, connection) = &mut database();
    let (standing, _) = register(connection, Duration::from_secs(60));
    let pending = revoke(connection);
    let (dead, _) = register(connection, Duration::from_millis(100));
    let (live, _) = register(connection, Duration::from_secs(60));
    let barrier = Barrier::start(url(database.url())).unwrap();
    let waiting = tokio::spawn(async move { barrier.confirm(pending).await });
    wait_until("it is gone", || !registered(connection).contains(&dead));
    assert_eq!(registered(connection), [standing, live]);
    connection.wait(|c| verifiers::deregister(c, standing)).unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(registered(connection), [live]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_barrier_without_the_database_confirms_nothing() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let barrier = Barrier::start(url(&postgres.url())).unwrap();
    let mut connection = connect_to(&postgres.url());
    let pending = revoke(&mut connection);
    barrier.confirm(pending.clone()).await.unwrap();
    register(&mut connection, Duration::from_secs(60));
    let pending = revoke(&mut connection);
    let waiting = tokio::spawn({
        let (barrier, pending) = (barrier.clone(), pending.clone());
        async move { barrier.confirm(pending).await }
    });
    postgres.crash().unwrap();
    waiting.await.unwrap().unwrap_err();
    barrier.confirm(pending.clone()).await.unwrap_err();
    confirm(&mut connection, pending.clone()).unwrap_err();

    postgres.start().unwrap();
    let mut connection = connect_to(&postgres.url());
    connection.batch_execute("DELETE FROM verifiers").unwrap();
    barrier.confirm(pending).await.unwrap();
}

/// Whoever waits would wait for as long as the lease; the thread waits for the server, whatever that takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stuck_costs_patience_and_nothing_else() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let connection = &mut connect_to(&postgres.url());
    register(connection, Duration::from_secs(60));
    let pending = revoke(connection);
    connection.wait(verifiers::listen).unwrap();
    let barrier = Barrier::start(url(&postgres.url())).unwrap();
    let waiting = tokio::spawn({
        let (barrier, pending) = (barrier.clone(), pending.clone());
        async move { barrier.confirm(pending).await }
    });
    // It waits.
    connection.wait(verifiers::nudge_received).unwrap();

    postgres.pause().unwrap();
    let stuck = timeout(PATIENCE, waiting).await;
    let still_stuck = timeout(PATIENCE, barrier.confirm(pending.clone())).await;
    postgres.resume().unwrap();
    stuck.unwrap().unwrap().unwrap_err();
    still_stuck.unwrap().unwrap_err();

    connection.batch_execute("DELETE FROM verifiers").unwrap();
    // The round that was stuck may still fail, and then takes those with it who came meanwhile.
    let confirmed = async { while barrier.confirm(pending.clone()).await.is_err() {} };
    timeout(PATIENCE, confirmed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_barrier_names_what_was_revoked() {
    let (database, connection) = &mut database();
    let mut verifier = connect_to(database.url());
    verifier.wait(verifiers::listen).unwrap();
    let barrier = Barrier::start(url(database.url())).unwrap();
    let mut log = |byte: u8| {
        let log = format!(
            "INSERT INTO revocations (digest) VALUES ('\\x{}')",
            format!("{byte:02x}").repeat(32)
        );
        revoking(connection, |connection| Ok(connection.batch_execute(&log)?)).unwrap()
    };
    let (first, second) = (log(1), log(2));
    barrier.confirm(first).await.unwrap();
    let named = verifier.wait(verifiers::nudge_received).unwrap();
    assert_eq!(named, [TokenDigest::from([1; 32])]);
    confirm(connection, second).unwrap();
    let named = verifier.wait(verifiers::nudge_received).unwrap();
    assert_eq!(named, [TokenDigest::from([2; 32])]);
}

/// As when the server's queue of notifications is full. Here it is held up: only one transaction at a time commits a
/// notification, and the one that does waits for a standby that there is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_that_fails_costs_time_and_nothing_else() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let pending = revoke(&mut connect_to(&postgres.url()));
    let mut held_up = connect_to(&postgres.url());
    for setting in ["synchronous_standby_names = '*'", "lock_timeout = '10ms'"] {
        execute(&mut held_up, &format!("ALTER SYSTEM SET {setting}"));
    }
    execute(&mut held_up, "SELECT pg_reload_conf()");
    let connection = &mut connect_to(&postgres.url());
    wait_until("it is set", || {
        text(connection, "current_setting('lock_timeout')") == "10ms"
    });
    // A notification alone is no commit that waits for a standby. And the process that makes transactions wait for one may learn
    // later than others that they should.
    let notify = "SELECT pg_logical_emit_message(true, '', ''); NOTIFY nobody";
    thread::spawn(move || while held_up.batch_execute(notify).is_ok() {});
    let waiting = "pg_stat_activity WHERE query LIKE '%NOTIFY nobody' AND wait_event = 'SyncRep'";
    wait_until("it is held up", || count(connection, waiting) == 1);
    verifiers::nudge(connection, &[]).unwrap_err();

    confirm(connection, pending.clone()).unwrap();
    let barrier = Barrier::start(url(&postgres.url())).unwrap();
    barrier.confirm(pending).await.unwrap();
}

/// The server went and came back between two revocations: nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_revocations_goes_unnoticed() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let barrier = Barrier::start(url(&postgres.url())).unwrap();
    for end in [LocalPostgres::stop, LocalPostgres::crash] {
        let pending = revoke(&mut connect_to(&postgres.url()));
        barrier.confirm(pending).await.unwrap();
        end(&postgres).unwrap();
        postgres.start().unwrap();
    }
    let pending = revoke(&mut connect_to(&postgres.url()));
    barrier.confirm(pending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thread_ends_with_the_last_handle() {
    let (database, connection) = &mut database();
    let barrier = Barrier::start(url(database.url())).unwrap();
    let pending = revoke(connection);
    barrier.clone().confirm(pending).await.unwrap();
    let sessions = |connection: &mut PgConnection| {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())",
        ))
        .get_result::<i64>(connection)
        .unwrap()
    };
    use diesel::RunQueryDsl;
    assert_eq!(sessions(connection), 2);
    drop(barrier);
    wait_until("it has hung up", || sessions(connection) == 1);
}
