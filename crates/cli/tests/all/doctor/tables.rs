//! Tables whose rows Postgres hides, changes or loses, and columns that are gone.

use super::*;

#[test]
fn tables_that_hide_change_or_lose_rows_are_told() {
    each_is_told(
        "tables",
        &[
            (
                "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                &["error: the table users has row security"],
            ),
            (
                "ALTER TABLE __diesel_schema_migrations ENABLE ROW LEVEL SECURITY",
                &["error: the table __diesel_schema_migrations has row security"],
            ),
            (
                "CREATE RULE keep AS ON DELETE TO tokens DO INSTEAD NOTHING",
                &["error: the table tokens has the rule keep"],
            ),
            (
                "ALTER TABLE tokens SET UNLOGGED",
                &["error: the table tokens is unlogged"],
            ),
            ("DROP TABLE locks", &["error: the table locks is missing"]),
        ],
    );
}

/// What is told to do about it, does it.
#[test]
fn tables_that_hide_change_or_lose_rows_are_mended_by_the_remedies() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
        ALTER TABLE tokens SET UNLOGGED;
        CREATE RULE keep AS ON DELETE TO tokens DO INSTEAD NOTHING;
        ALTER TABLE tokens RENAME COLUMN digest TO hash",
    );
    let report = report_as(jeton.0.url(), "");
    let findings = report["findings"].as_array().unwrap();
    let remedies: Vec<_> = findings
        .iter()
        .filter(|finding| finding["check"] == "tables")
        .map(|finding| finding["remedy"].as_str().unwrap())
        .collect();
    assert_eq!(remedies.len(), 4, "{report}");
    for remedy in remedies {
        let statement = remedy.split('`').nth(1).unwrap();
        execute(&mut jeton.connect(), &statement.replace('…', "hash"));
    }
    assert_eq!(found(&jeton, "tables"), [""; 0]);
}

#[test]
fn columns_that_are_gone_are_named_and_what_asks_for_them_sends_nobody_to_the_owner() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "ALTER TABLE users RENAME COLUMN disabled_at TO disabled; ALTER TABLE audit_events DROP COLUMN detail CASCADE",
    );
    let told = found(&jeton, "tables");
    assert_told(&told, &["error: the column users.disabled_at is missing"]);
    assert_told(&told, &["error: the column audit_events.detail is missing"]);
    assert_eq!(told.len(), 2, "{told:?}");
    let report = report_as(jeton.0.url(), "");
    let users = report["findings"].as_array().unwrap().iter();
    let remedies: Vec<_> = users
        .filter(|finding| finding["check"] == "users")
        .map(|finding| finding["remedy"].as_str().unwrap())
        .collect();
    assert_eq!(remedies, ["mend what `tables` tells of, and look again"]);
}

#[test]
fn triggers_that_others_made_are_told_and_those_of_foreign_keys_are_not() {
    const STAY: &str = "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER stay BEFORE DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION stay()";
    each_is_told(
        "triggers",
        &[(STAY, &["warning: the trigger stay on tokens is none of Jeton's"])],
    );
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "CREATE TABLE orders (buyer uuid REFERENCES users ON DELETE CASCADE)",
    );
    assert_eq!(found(&jeton, "triggers"), [""; 0]);
}
