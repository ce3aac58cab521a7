use crate::jeton::Jeton;
use diesel::connection::SimpleConnection;
use jeton_proof_support::TestDatabase;
use serde_json::{Value, json};

fn on_an_empty_database() -> Jeton {
    Jeton(TestDatabase::empty())
}

fn pending(jeton: &Jeton) -> Vec<String> {
    let stdout = jeton.run("migrate --check --json").stdout;
    let document: Value = serde_json::from_str(&stdout).unwrap();
    serde_json::from_value(document["pending"].clone()).unwrap()
}

fn lines(prefix: &str, names: &[String]) -> String {
    names.iter().map(|name| format!("{prefix} {name}\n")).collect()
}

#[test]
fn says_what_it_did_and_does_nothing_the_second_time() {
    let jeton = on_an_empty_database();
    let names = pending(&jeton);
    assert!(names.len() > 1);
    assert_eq!(jeton.run("migrate").ok(), lines("applied", &names));
    assert_eq!(jeton.run("migrate").ok(), "up to date\n");
    assert_eq!(jeton.run("migrate --json").json(), json!({ "applied": [] }));
}

#[test]
fn check_names_what_is_pending_and_changes_nothing() {
    let jeton = on_an_empty_database();
    let names = pending(&jeton);
    for _ in 0..2 {
        let checked = jeton.run("migrate --check");
        assert_eq!(checked.status, 1);
        assert_eq!(checked.stdout, lines("pending", &names));
        assert_eq!(
            checked.error_line(),
            format!("{} migrations are pending; run `jeton migrate`", names.len())
        );
    }
    assert_eq!(jeton.run("migrate --json").json(), json!({ "applied": names }));
    assert_eq!(jeton.run("migrate --check").ok(), "up to date\n");
    assert_eq!(
        jeton.run("migrate --check --json").json(),
        json!({ "pending": [] })
    );
}

#[test]
fn migrate_by_several_at_once_applies_everything_once() {
    let jeton = on_an_empty_database();
    let names = pending(&jeton);
    let running: Vec<_> = (0..8)
        .map(|_| jeton.command("migrate --json").spawn().unwrap())
        .collect();
    let mut applied = Vec::new();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        applied.extend(serde_json::from_value::<Vec<String>>(document["applied"].clone()).unwrap());
    }
    assert_eq!(applied, names);
    assert_eq!(jeton.run("migrate --check").ok(), "up to date\n");
}

#[test]
fn a_failed_migration_is_named_and_can_be_tried_again() {
    let jeton = on_an_empty_database();
    let names = pending(&jeton);
    let at = names.iter().position(|name| name.ends_with("_audit")).unwrap();
    jeton
        .connect()
        .batch_execute("CREATE TABLE audit_events (in_the_way int)")
        .unwrap();

    let error = jeton.run("migrate").error();
    assert!(
        error.starts_with(&format!("migration {} failed: ", names[at])),
        "{error}"
    );
    assert!(
        error.contains(r#"relation "audit_events" already exists"#),
        "{error}"
    );
    assert_eq!(pending(&jeton), names[at..]);

    jeton.connect().batch_execute("DROP TABLE audit_events").unwrap();
    assert_eq!(jeton.run("migrate").ok(), lines("applied", &names[at..]));
}

#[test]
fn other_commands_refuse_a_database_that_is_not_up_to_date() {
    let jeton = on_an_empty_database();
    let names = pending(&jeton);
    for args in ["user list", "token list ada", "user delete ada --yes"] {
        assert_eq!(
            jeton.run(args).error(),
            format!(
                "the database is not up to date (pending: {}); run `jeton migrate`",
                names.join(", ")
            )
        );
    }
}

#[test]
fn a_database_of_before_the_first_release_is_refused_in_one_line() {
    let jeton = on_an_empty_database();
    let made = "CREATE TABLE __diesel_schema_migrations (version text PRIMARY KEY); \
        INSERT INTO __diesel_schema_migrations VALUES ('20261123000100')";
    jeton.connect().batch_execute(made).unwrap();
    for args in ["migrate", "migrate --check", "user list"] {
        assert_eq!(
            jeton.run(args).error(),
            "the database was made by a version before the first release and cannot be brought up to date: dump the data \
            that you need, and let `jeton migrate` set up a new database",
            "{args}"
        );
    }
}

#[test]
fn migrate_names_who_holds_a_lock_for_too_long() {
    let jeton = Jeton::new();
    let mut writing = jeton.connect();
    for statement in [
        "ALTER TABLE tokens DISABLE TRIGGER tokens_deleted",
        "SET application_name = 'nightly import'; BEGIN; LOCK TABLE tokens IN ROW EXCLUSIVE MODE",
    ] {
        writing.batch_execute(statement).unwrap();
    }
    let error = jeton.run("migrate --lock-wait 1ms").error();
    assert!(
        error.starts_with("trigger tokens_deleted was not applied"),
        "{error}"
    );
    assert!(error.contains("(nightly import, statement of "), "{error}");
    writing.batch_execute("COMMIT").unwrap();
    assert_eq!(jeton.run("migrate").ok(), "applied trigger tokens_deleted\n");
}

/// Which keeps what this one uses.
#[test]
fn migrate_leaves_additions_of_a_newer_version_alone() {
    let jeton = Jeton::new();
    let newer = "ALTER TABLE users ADD COLUMN later text; \
        INSERT INTO __diesel_schema_migrations VALUES ('20991231000000')";
    jeton.connect().batch_execute(newer).unwrap();
    assert_eq!(jeton.run("migrate --check").ok(), "up to date\n");
    assert_eq!(jeton.run("migrate").ok(), "up to date\n");
    let jeton = jeton.with_user("ada");
    let token = jeton.token("ada --name reader");
    assert!(jeton.find_valid(&token).is_some());
}
