//! A service that cannot start says why, in one line.

use crate::support::{Auth, PROGRAM};
use clap::CommandFactory;
use jeton_proof_support::{ServiceProcess, TestDatabase, execute};

/// What the program says when it is started with these settings and refuses.
fn refusal(env: &[(&str, &str)]) -> String {
    let failure = ServiceProcess::try_start(PROGRAM, env).unwrap_err();
    assert!(
        failure.status.is_some_and(|status| !status.success()),
        "{failure}"
    );
    let lines: Vec<&str> = failure
        .logs
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect();
    assert_eq!(lines.len(), 1, "{}", failure.logs);
    lines[0].to_owned()
}

#[test]
fn a_bad_setting_is_named_in_one_line() {
    for (name, value) in [
        ("JETON_AUTH_ADDR", "nowhere"),
        ("JETON_TOKEN_TTL", "a fortnight"),
        ("JETON_TOKEN_IDLE_TTL", "4m"),
        ("JETON_TOKEN_IDLE_TTL", "11y"),
        ("JETON_TOKENS_PER_USER", "1"),
        ("JETON_BCRYPT_COST", "99"),
        ("JETON_SIGNUP", "perhaps"),
        ("JETON_DEFAULT_SCOPES", "a\"b"),
        ("JETON_DEFAULT_SCOPES", "notes:read admin"),
        ("JETON_DEFAULT_SCOPES", "tokens:revoke"),
        ("JETON_HASHING_QUEUE", "-1"),
        ("JETON_HASHING_QUEUE", "10001"),
        ("JETON_AUDIT_RETENTION", "6d"),
        ("JETON_ACCOUNT_FAILURES", "101"),
        ("JETON_NETWORK_FAILURES", "0"),
        ("JETON_USER_ACTS", "0"),
    ] {
        let line = refusal(&[("DATABASE_URL", "postgres://127.0.0.1/x"), (name, value)]);
        assert!(line.contains(name), "{name}: {line}");
    }
}

#[test]
fn the_databases_address_is_required_and_never_quoted() {
    assert!(refusal(&[]).contains("DATABASE_URL is not set"));
    let line = refusal(&[("DATABASE_URL", "mysql://ada:sesame@localhost/x")]);
    assert!(
        line.contains("DATABASE_URL") && !line.contains("sesame"),
        "{line}"
    );
    let line = refusal(&[("DATABASE_URL", "postgres://ada:sesame@db.example.org/x")]);
    assert!(line.contains("sslmode") && !line.contains("sesame"), "{line}");
    let line = refusal(&[("DATABASE_URL", "postgres://ada:sesame@127.0.0.1:1/x")]);
    assert!(line.contains("unavailable") && !line.contains("sesame"), "{line}");
}

#[test]
fn the_address_may_come_from_a_file() {
    let database = TestDatabase::create();
    let file = std::env::temp_dir().join(format!("{}.url", database.name()));
    std::fs::write(&file, format!("{}\n", database.url())).unwrap();
    let path = file.to_str().unwrap();
    let addr = ("JETON_AUTH_ADDR", "127.0.0.1:0");
    drop(ServiceProcess::start(
        PROGRAM,
        &[addr, ("DATABASE_URL_FILE", path)],
    ));
    assert!(refusal(&[addr, ("DATABASE_URL_FILE", path), ("DATABASE_URL", "x")]).contains("both"));
    for wrong in ["", "\n", "mysql://localhost/x"] {
        std::fs::write(&file, wrong).unwrap();
        let line = refusal(&[addr, ("DATABASE_URL_FILE", path)]);
        assert!(line.contains("DATABASE_URL_FILE"), "{wrong:?}: {line}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(refusal(&[addr, ("DATABASE_URL_FILE", path)]).contains("DATABASE_URL_FILE"));
}

#[test]
fn a_database_that_is_not_up_to_date_is_refused_with_the_command() {
    let database = TestDatabase::empty();
    let line = refusal(&[
        ("DATABASE_URL", database.url()),
        ("JETON_AUTH_ADDR", "127.0.0.1:0"),
    ]);
    assert!(
        line.contains("scripts/migrate") && line.contains("accounts"),
        "{line}"
    );
    let old = "CREATE TABLE __diesel_schema_migrations (version text); \
        INSERT INTO __diesel_schema_migrations VALUES ('20261123000100')";
    execute(&mut database.connect(), old);
    let line = refusal(&[
        ("DATABASE_URL", database.url()),
        ("JETON_AUTH_ADDR", "127.0.0.1:0"),
    ]);
    assert!(line.contains("before the first release"), "{line}");
}

#[test]
fn a_taken_port_is_named_with_its_setting() {
    let auth = Auth::start();
    let line = refusal(&[
        ("DATABASE_URL", auth.database.url()),
        ("JETON_AUTH_ADDR", auth.service.address()),
    ]);
    assert!(
        line.contains(auth.service.address()) && line.contains("JETON_AUTH_ADDR"),
        "{line}"
    );
}

#[test]
fn help_tells_every_setting_and_no_secret() {
    let output = std::process::Command::new(PROGRAM)
        .arg("--help")
        .env("DATABASE_URL", "postgres://ada:sesame@localhost/x")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !help.contains("sesame"));
    let command = jeton_auth_api::Settings::command();
    for setting in command.get_arguments().filter_map(clap::Arg::get_env) {
        let setting = setting.to_string_lossy();
        assert!(help.contains(&format!("[env: {setting}")), "{setting}:\n{help}");
    }
}

#[test]
fn told_to_end_it_ends_in_order() {
    let auth = Auth::start_process(&[]);
    assert!(auth.service.terminate().success());
}
