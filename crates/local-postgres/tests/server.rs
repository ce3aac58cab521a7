//! One server's life, as a client sees it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use jeton_coherence::PgConnection;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jeton_local_postgres::{Error, LocalPostgres};

const KEPT: &str = "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

fn connect(postgres: &LocalPostgres) -> PgConnection {
    PgConnection::establish(&postgres.url()).unwrap()
}

fn is_standby(postgres: &LocalPostgres) -> bool {
    let url = format!("{}?target_session_attrs=any", postgres.url());
    let refused = PgConnection::establish(&url).err();
    refused.is_some_and(|refused| refused.to_string().contains("this is a standby"))
}

fn count(connection: &mut PgConnection) -> QueryResult<i64> {
    diesel::sql_query("SELECT count(*) AS n FROM kept")
        .get_result::<Number>(connection)
        .map(|row| row.n)
}

fn setting(connection: &mut PgConnection, name: &str) -> String {
    diesel::sql_query("SELECT current_setting($1) AS value")
        .bind::<Text, _>(name)
        .get_result::<Setting>(connection)
        .unwrap()
        .value
}

/// A directory that the server's account may pass through.
fn parent() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o711)).unwrap();
    parent
}

fn refuses_connections(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

#[test]
fn a_temporary_server_keeps_its_data_while_it_lives_and_leaves_nothing() {
    let postgres = LocalPostgres::temporary().unwrap();
    let (port, directory) = (postgres.port(), postgres.directory().to_owned());
    let mut connection = connect(&postgres);
    connection.batch_execute(KEPT).unwrap();
    assert_eq!(setting(&mut connection, "fsync"), "off");

    postgres.stop().unwrap();
    assert!(refuses_connections(port));
    assert!(count(&mut connection).is_err());
    assert!(matches!(postgres.stop(), Err(Error::Already("stopped"))));

    postgres.start().unwrap();
    assert!(matches!(postgres.start(), Err(Error::Already("running"))));
    assert_eq!(count(&mut connect(&postgres)).unwrap(), 1);

    postgres.crash().unwrap();
    assert!(refuses_connections(port));
    postgres.start().unwrap();
    assert_eq!(count(&mut connect(&postgres)).unwrap(), 1);

    drop(postgres);
    assert!(refuses_connections(port));
    assert!(!directory.exists());
}

#[test]
fn a_temporary_server_that_was_stopped_leaves_nothing_either() {
    let postgres = LocalPostgres::temporary().unwrap();
    let directory = postgres.directory().to_owned();
    postgres.stop().unwrap();
    drop(postgres);
    assert!(!directory.exists());
}

#[test]
fn a_durable_server_is_the_same_the_next_time() {
    let parent = parent();
    let wanted = parent.path().join("below/postgres");

    let first = LocalPostgres::at(&wanted).unwrap();
    assert_eq!(first.directory(), wanted);
    let url = first.url();
    let mut connection = connect(&first);
    connection.batch_execute(KEPT).unwrap();
    assert_eq!(setting(&mut connection, "fsync"), "on");
    drop(first);

    let second = LocalPostgres::at(&wanted).unwrap();
    assert_eq!(second.url(), url);
    assert_eq!(count(&mut connect(&second)).unwrap(), 1);
    let mode = |name: &str| wanted.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("password"), mode("data")), (0o600, 0o700));
}

#[test]
fn the_port_changes_when_somebody_else_took_it() {
    let parent = parent();
    let wanted = parent.path().join("postgres");
    let port = LocalPostgres::at(&wanted).unwrap().port();

    let thief = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let postgres = LocalPostgres::at(&wanted).unwrap();
    assert_ne!(postgres.port(), port);
    connect(&postgres);
    drop(thief);
}

#[test]
fn a_server_that_lost_its_port_says_so_and_can_try_again() {
    let postgres = LocalPostgres::temporary().unwrap();
    postgres.stop().unwrap();
    let thief = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, postgres.port())).unwrap();
    let port = postgres.port();
    assert!(matches!(postgres.start(), Err(Error::PortTaken(taken)) if taken == port));
    drop(thief);
    postgres.start().unwrap();
    connect(&postgres);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let parent = parent();
    let wanted = parent.path().join("postgres");

    let first = LocalPostgres::at(&wanted).unwrap();
    let error = LocalPostgres::at(&wanted).unwrap_err();
    assert!(
        matches!(&error, Error::AlreadyRunning { pid, .. } if *pid > 0),
        "{error}"
    );
    connect(&first);
}

#[test]
fn the_directory_may_be_made_by_several_processes_at_once() {
    let parent = parent();
    let wanted = parent.path().join("postgres");
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| LocalPostgres::at(&wanted)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let running: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(running.len(), 1, "{results:?}");
    connect(running[0]);
    let refused = |error: &Error| matches!(error, Error::AlreadyRunning { .. });
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(refused),
        "{results:?}"
    );
}

#[test]
fn somebody_elses_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("thesis.tex"), "").unwrap();
    let mode = || directory.path().metadata().unwrap().permissions().mode();
    let before = mode();
    assert!(matches!(
        LocalPostgres::at(directory.path()),
        Err(Error::NotEmpty { .. })
    ));
    assert_eq!(mode(), before);
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    let postgres = LocalPostgres::temporary().unwrap();
    let mut connection = connect(&postgres);
    postgres.pause().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let client = std::thread::spawn(move || {
        let value = setting(&mut connection, "listen_addresses");
        sender.send(value).unwrap();
    });
    assert!(receiver.recv_timeout(Duration::from_millis(300)).is_err());
    postgres.resume().unwrap();
    assert_eq!(
        receiver.recv_timeout(Duration::from_secs(30)).unwrap(),
        "127.0.0.1"
    );
    client.join().unwrap();

    postgres.pause().unwrap();
    let directory = postgres.directory().to_owned();
    drop(postgres);
    assert!(!directory.exists());
}

#[test]
fn a_standby_takes_over_and_the_former_primary_follows_it() {
    let primary = LocalPostgres::temporary().unwrap();
    connect(&primary).batch_execute(KEPT).unwrap();
    let standby = primary.standby().unwrap();
    assert!(is_standby(&standby) && !is_standby(&primary));
    assert!(matches!(primary.follow(&standby), Err(Error::Already("running"))));

    primary.kill().unwrap();
    assert!(refuses_connections(primary.port()));
    assert!(matches!(primary.kill(), Err(Error::Already("stopped"))));
    standby.promote().unwrap();
    assert_eq!(count(&mut connect(&standby)).unwrap(), 1);
    connect(&standby)
        .batch_execute("INSERT INTO kept DEFAULT VALUES")
        .unwrap();

    primary.follow(&standby).unwrap();
    assert!(is_standby(&primary));
    standby.stop().unwrap();
    primary.promote().unwrap();
    assert_eq!(count(&mut connect(&primary)).unwrap(), 2);
    let directories = [primary.directory().to_owned(), standby.directory().to_owned()];
    drop((primary, standby));
    assert!(!directories.iter().any(|directory| directory.exists()));
}

#[test]
fn the_password_is_needed_and_not_shown() {
    let postgres = LocalPostgres::temporary().unwrap();
    let url = postgres.url();
    let password = url.split(['@', ':']).nth(2).unwrap();
    assert_eq!(password.len(), 32);
    assert!(!format!("{postgres:?}").contains(password));
    let wrong = url.replace(password, "guess");
    let refused = PgConnection::establish(&wrong).err().unwrap().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
}
