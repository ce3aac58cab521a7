//! Commands that the database lets wait.

use crate::jeton::{PASSWORD, command};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{SilentStandby, migrate};
use std::io::{BufRead, BufReader, Write};

/// What is not there may be gone by an attempt before, which a fail-over would undo.
#[test]
fn that_nothing_is_there_is_said_once_it_is_durable() {
    let home = tempfile::tempdir().unwrap();
    let postgres = LocalPostgres::at(home.path()).unwrap();
    migrate(&postgres.url());
    let standby = SilentStandby::of(&postgres);
    let deleting = ["user delete nobody --yes", "client delete nobody --yes"].map(|deleting| {
        let mut program = command(deleting);
        program.env("DATABASE_URL", postgres.url());
        program.spawn().unwrap()
    });
    standby.wait_for(2);
    standby.end();
    for program in deleting {
        let output = program.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains("named \"nobody\"") && !output.status.success(),
            "{told}"
        );
    }
}

#[test]
fn a_command_that_waits_for_the_database_says_so_and_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let postgres = LocalPostgres::at(home.path()).unwrap();
    migrate(&postgres.url());
    let standby = SilentStandby::of(&postgres);
    let mut program = command("user create ada");
    program
        .env("DATABASE_URL", postgres.url())
        .env("JETON_BCRYPT_COST", "4");
    let mut program = program.spawn().unwrap();
    program
        .stdin
        .take()
        .unwrap()
        .write_all(PASSWORD.as_bytes())
        .unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(program.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert_eq!(
        told,
        "still waiting for the database; to interrupt this does not take back what it was asked to do\n"
    );
    standby.end();
    assert!(program.wait().unwrap().success());
}
