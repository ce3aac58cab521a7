//! A database for each test, and what it takes to share a server.

use diesel::connection::SimpleConnection;
use jeton_persistence::migrations;
use jeton_proof_support::{TestDatabase, migrate};

#[test]
fn a_created_database_is_migrated_and_an_empty_one_is_not() {
    let created = TestDatabase::create();
    assert_eq!(migrations::pending(&mut created.connect()).unwrap(), [""; 0]);

    let empty = TestDatabase::empty();
    let pending = migrations::pending(&mut empty.connect()).unwrap();
    assert!(!pending.is_empty());
    assert_eq!(migrate(empty.url()), pending);
}

#[test]
fn databases_are_independent_and_go_away_with_their_test() {
    let (one, other) = (TestDatabase::create(), TestDatabase::create());
    let mut held = one.connect();
    held.batch_execute("CREATE TABLE mine ()").unwrap();
    other.connect().batch_execute("CREATE TABLE mine ()").unwrap();

    let name = one.name().to_owned();
    drop(one);
    assert!(held.batch_execute("SELECT 1").is_err());
    let left = other.connect().batch_execute(&format!(
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}'); END $$"
    ));
    left.unwrap();
}

#[test]
fn many_threads_can_make_databases_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| TestDatabase::create().connect());
        }
    });
}
