#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::*;
use diesel::connection::SimpleConnection;
use jeton_coherence::{PgConnection, Xid, revocations};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{TestDatabase, wait_until};
use uuid::Uuid;

fn setting() -> (TestDatabase, PgConnection, Keeper) {
    let database = TestDatabase::create();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let connection = establish(&url, ConnectionLimits::NONE).unwrap();
    (database, connection, Keeper::new(url, Heartbeat::default()))
}

fn is_registered(connection: &mut PgConnection, id: Uuid) -> bool {
    verifiers::list(connection)
        .unwrap()
        .iter()
        .any(|row| row.id == id)
}

/// A crash of the server in between may have taken the version back.
#[test]
fn a_lease_seen_on_one_connection_does_not_count_on_the_next() {
    let (_database, mut connection, mut keeper) = setting();
    let lease = Duration::from_millis(100);
    let id = Uuid::now_v7();
    connection
        .wait(|c| verifiers::register(c, id, None, "silent", lease))
        .unwrap();
    keeper.attempt(Keeper::round);
    let seen = BootTime::now();
    wait_until("its lease is over", || BootTime::now().since(seen) >= lease);
    keeper.connection = None;
    keeper.attempt(Keeper::round);
    assert!(is_registered(&mut connection, id), "seen for the first time");
    wait_until("it is taken off the list", || {
        keeper.attempt(Keeper::round);
        !is_registered(&mut connection, id)
    });
}

/// As behind a pool that lends connections for a transaction: the server may have crashed, and nobody has noticed.
#[test]
fn what_was_seen_in_one_session_does_not_count_in_the_next_of_the_same_connection() {
    let (_database, mut connection, mut keeper) = setting();
    let id = Uuid::now_v7();
    let lease = Duration::from_millis(100);
    connection
        .wait(|c| verifiers::register(c, id, None, "silent", lease))
        .unwrap();
    keeper.attempt(Keeper::round);
    let seen = BootTime::now();
    wait_until("its lease is over", || BootTime::now().since(seen) >= lease);
    let (served, _) = keeper.connection.as_mut().unwrap();
    served.batch_execute("RESET jeton.session").unwrap();
    keeper.attempt(Keeper::round);
    assert!(is_registered(&mut connection, id));
    wait_until("it is taken off the list", || {
        keeper.attempt(Keeper::round);
        !is_registered(&mut connection, id)
    });
}

#[test]
fn a_panic_of_the_barrier_is_told_to_who_waits_and_the_next_are_served() {
    let (_database, _, mut keeper) = setting();
    let wait = |keeper: &mut Keeper| {
        let (reply, answer) = oneshot::channel();
        keeper.rounds.add(std::iter::once(Waiting::new(
            None,
            Wait::new(vec![Xid(3)], false),
            reply,
        )));
        answer
    };
    let mut broken_off = wait(&mut keeper);
    keeper.attempt(|_| panic!("on purpose"));
    assert!(broken_off.try_recv().unwrap().is_err());

    let mut served = wait(&mut keeper);
    keeper.attempt(Keeper::round);
    served.try_recv().unwrap().unwrap();
}

/// Those who wait go by that: see [`Heartbeat`].
#[test]
fn a_round_is_a_sign_of_life_and_one_that_fails_is_none() {
    let (_database, _, mut keeper) = setting();
    let begun = BootTime::now();
    let none = keeper.heartbeat.deadline(begun);
    keeper.attempt(|_| Err(DatabaseError::Unavailable("on purpose".to_owned())));
    assert_eq!(keeper.heartbeat.deadline(begun), none);
    keeper.attempt(Keeper::round);
    assert!(keeper.heartbeat.deadline(begun) > none);
}

/// After a fail-over, say: this one may never have heard of it.
#[test]
fn what_another_server_has_committed_is_not_confirmed() {
    let (_database, mut connection, mut keeper) = setting();
    let other = LocalPostgres::temporary().unwrap();
    let url = DatabaseUrl::parse(&other.url()).unwrap();
    let elsewhere = establish(&url, ConnectionLimits::NONE).unwrap().server();
    let mut wait = |server| {
        let (reply, mut answer) = oneshot::channel();
        let waiting = Waiting::new(Some(server), Wait::new(vec![Xid(3)], false), reply);
        keeper.rounds.add(std::iter::once(waiting));
        keeper.attempt(Keeper::round);
        answer.try_recv().unwrap()
    };
    wait(elsewhere).unwrap_err();
    wait(connection.server()).unwrap();

    let log = "INSERT INTO revocations (digest) VALUES ('')";
    let pending =
        revocations::revoking(&mut connection, |connection| Ok(connection.batch_execute(log)?)).unwrap();
    let mut there = establish(&url, ConnectionLimits::NONE).unwrap();
    confirm(&mut there, pending.clone()).unwrap_err();
    confirm(&mut connection, pending).unwrap();
}
