//! Each fault, made on a real database and found.

mod delegation;
mod rows;
mod schema;
mod server;
mod tables;

use crate::jeton::{Jeton, command, run};
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::PgConnection;
use jeton_proof_support::{
    Pooler, SilentStandby, TestDatabase, TestRole, connect, execute, migrate, text, wait_until,
};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What a doctor says, of whatever severity.
fn report_as(url: &str, args: &str) -> Value {
    let mut doctor = command(&format!("doctor --json {args}"));
    doctor.env("DATABASE_URL", url);
    let outcome = run(doctor, "");
    assert_eq!(outcome.stderr, "");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let status = match report["status"].as_str().unwrap() {
        "error" => 1,
        "unseen" => 2,
        _ => 0,
    };
    assert_eq!(outcome.status, status, "{report}");
    for finding in report["findings"].as_array().unwrap() {
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding}");
    }
    report
}

/// What one check has found: `severity: found`. Roles and sessions are the whole server's, which other tests use as well.
fn found_as(url: &str, check: &str, args: &str) -> Vec<String> {
    let report = report_as(url, args);
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["check"] == check)
        .map(|finding| {
            format!(
                "{}: {}",
                finding["severity"].as_str().unwrap(),
                finding["found"].as_str().unwrap()
            )
        })
        .collect()
}

fn found(jeton: &Jeton, check: &str) -> Vec<String> {
    found_as(jeton.0.url(), check, "")
}

/// That one of them says all of this.
#[track_caller]
fn assert_told(found: &[String], parts: &[&str]) {
    let told = found
        .iter()
        .any(|one| parts.iter().all(|part| one.contains(part)));
    assert!(told, "{parts:?} in {found:#?}");
}

/// For each: what makes the fault, and what is told of it. Nothing is told before.
#[track_caller]
fn each_is_told(check: &str, faults: &[(&str, &[&str])]) {
    assert_eq!(found(&Jeton::new(), check), [""; 0]);
    for (fault, told) in faults {
        let jeton = Jeton::new();
        execute(&mut jeton.connect(), fault);
        assert_told(&found(&jeton, check), told);
    }
}

/// A server that keeps what it is given, as one that is in use.
fn on_a_durable_server(test: impl FnOnce(&LocalPostgres, &str)) {
    let home = tempfile::tempdir().unwrap();
    let postgres = LocalPostgres::at(home.path()).unwrap();
    let url = postgres.url();
    migrate(&url);
    test(&postgres, &url);
}

fn newest_transaction(connection: &mut PgConnection) -> String {
    text(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())")
}

#[test]
fn a_healthy_database_has_nothing_to_tell_and_nothing_is_written() {
    on_a_durable_server(|postgres, url| {
        let with = |args: &str, input: &str| {
            let mut program = command(args);
            program.env("DATABASE_URL", url).env("JETON_BCRYPT_COST", "4");
            run(program, input)
        };
        with("role create shop", "sesame").ok();
        with("role create signin --auth", "sesame").ok();
        with("user create ada --email ada@example.org", crate::jeton::PASSWORD).ok();
        with("token create ada --name laptop", "").ok();
        let before = newest_transaction(&mut connect(url));
        let report = report_as(url, "");
        assert_eq!(report["findings"], serde_json::json!([]));
        assert_eq!(report["status"], "ok");
        let checks = report["checks"].as_array().unwrap();
        assert!(
            checks.len() > 15 && checks.iter().all(|check| check["status"] == "ok"),
            "{report}"
        );

        let said = with("doctor", "").ok();
        assert_eq!(said.lines().count(), checks.len(), "{said}");
        assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
        assert_eq!(
            newest_transaction(&mut connect(url)),
            before,
            "nothing was written"
        );

        execute(
            &mut connect(url),
            "ALTER SYSTEM SET max_prepared_transactions = 5",
        );
        postgres.stop().unwrap();
        postgres.start().unwrap();
        execute(
            &mut connect(url),
            "BEGIN; DELETE FROM tokens WHERE false; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'left behind'",
        );
        assert_told(
            &found_as(url, "transactions", "--transaction-age 1ms"),
            &["error: ", "'left behind'"],
        );
        execute(&mut connect(url), "ROLLBACK PREPARED 'left behind'");
    });
}

#[test]
fn people_read_what_was_found_and_what_to_do() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "ALTER TABLE tokens DISABLE TRIGGER tokens_deleted",
    );
    let outcome = jeton.run("doctor");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (1, ""));
    let said = outcome.stdout;
    assert!(said.contains("error    triggers "), "{said}");
    assert!(
        said.contains(
            "  error: the trigger tokens_deleted on tokens is turned off: revocations go unnoticed\n"
        ),
        "{said}"
    );
    assert!(said.contains("  remedy: run `jeton migrate`, or "), "{said}");
}

#[test]
fn a_database_out_of_reach_is_status_2() {
    let mut doctor = command("doctor");
    // Nothing listens on port 1.
    doctor.env("DATABASE_URL", "postgres://jeton:s3cret-word@127.0.0.1:1/jeton");
    let outcome = run(doctor, "");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    let said = outcome.error_line();
    assert!(
        said.starts_with("could not look: the database is unavailable: "),
        "{said}"
    );
    assert!(!said.contains("s3cret-word"), "{said}");
}

/// As who watches over it may be let in.
#[test]
fn a_role_that_may_see_little_is_told_what_it_could_not_see() {
    let jeton = Jeton::new();
    let role = TestRole::create(&jeton.0, "IN ROLE jeton_verifier");
    let others = jeton.connect();
    let report = report_as(role.url(), "");
    let status = |id: &str| {
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        check["status"].as_str().unwrap().to_owned()
    };
    for seen in [
        "encoding",
        "migrations",
        "tables",
        "triggers",
        "functions",
        "constraints",
    ] {
        assert_eq!(status(seen), "ok", "{report}");
    }
    for unseen in ["users", "tokens", "verifiers", "future", "transactions"] {
        assert_eq!(status(unseen), "unseen", "{report}");
    }
    drop(others);
}
