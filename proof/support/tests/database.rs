//! A database for each test, and what it takes to share a server.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use jeton_persistence::{ConnectionLimits, DatabaseUrl, establish, migrations};
use jeton_proof_support::{TestDatabase, migrate};

fn connect(database: &TestDatabase) -> QueryResult<PgConnection> {
    let url = DatabaseUrl::parse(database.url())
        .map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))?;
    establish(&url, ConnectionLimits::NONE)
        .map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))
}

#[test]
fn a_created_database_is_migrated_and_an_empty_one_is_not() {
    let created = TestDatabase::create();
    assert_eq!(
        migrations::pending(&mut connect(&created).unwrap()).unwrap(),
        [""; 0]
    );

    let empty = TestDatabase::empty();
    let pending = migrations::pending(&mut connect(&empty).unwrap()).unwrap();
    assert!(!pending.is_empty());
    assert_eq!(migrate(empty.url()), pending);
}

#[test]
fn databases_are_independent_and_go_away_with_their_test() {
    let (one, other) = (TestDatabase::create(), TestDatabase::create());
    let mut held = connect(&one).unwrap();
    held.batch_execute("CREATE TABLE mine ()").unwrap();
    connect(&other)
        .unwrap()
        .batch_execute("CREATE TABLE mine ()")
        .unwrap();

    let name = one.name().to_owned();
    drop(one);
    assert!(held.batch_execute("SELECT 1").is_err());
    let left = connect(&other).unwrap().batch_execute(&format!(
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}'); END $$"
    ));
    left.unwrap();
}

#[test]
fn many_threads_can_make_databases_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| connect(&TestDatabase::create()).unwrap());
        }
    });
}
