use crate::support::{connect, database, execute, text};
use jeton_persistence::PgConnection;
use jeton_persistence::migrations::{MigrationError, apply, pending};
use jeton_proof_support::{TestDatabase, revert_all};
use std::sync::Barrier;
use std::thread;

/// The folders under `migrations/`, oldest first.
fn names() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    names
}

/// Everything that has a name: tables, indexes, sequences, views, functions, types.
fn objects(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM (
            SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT typname FROM pg_type
                WHERE typnamespace = 'public'::regnamespace AND typrelid = 0 AND typelem = 0
        ) AS named",
    )
}

/// Columns, constraints, indexes, triggers, functions, policies and rights, word for word.
fn shape(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
            SELECT concat_ws(' ', table_name, column_name, udt_name, is_nullable, column_default) AS line
                FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT concat_ws(' ', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT concat_ws(' ', proacl, pg_get_functiondef(oid))
                FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT pg_policies::text FROM pg_policies
            UNION ALL SELECT concat_ws(' ', relname, attname, relacl, attacl)
                FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
                    AND attnum > 0 AND relname <> '__diesel_schema_migrations'
        ) AS lines",
    )
}

/// Half of the migrations would go through, and names of people come out as others.
#[test]
fn a_database_that_is_not_utf8_is_refused_by_name_and_left_as_it_is() {
    for encoding in ["LATIN1", "SQL_ASCII", "EUC_JP", "WIN1252"] {
        let database = TestDatabase::encoded(encoding);
        let connection = &mut connect(&database);
        for refused in [apply(connection).map(drop).map_err(|error| error.to_string()), {
            let looked = pending(connection).map(drop);
            looked.map_err(|error| error.to_string())
        }] {
            let refused = refused.unwrap_err();
            assert!(
                refused.starts_with(&format!(
                    "the database has the encoding {encoding}; UTF8 is needed"
                )),
                "{refused}"
            );
        }
        assert_eq!(objects(connection), "", "{encoding}");
    }
}

/// Diesel says it on each of its connections; a pool may lend one on which somebody else has said something else.
#[test]
fn a_session_that_is_not_utf8_is_refused_as_well() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&database);
    execute(connection, "SET client_encoding = 'LATIN1'");
    let refused = apply(connection).unwrap_err().to_string();
    assert!(
        refused.starts_with("the session with the database has the encoding LATIN1"),
        "{refused}"
    );
    assert_eq!(objects(connection), "");
}

#[test]
fn all_up_all_down_and_up_again() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&database);
    assert_eq!(apply(connection).unwrap(), names());
    let first = shape(connection);
    assert!(first.contains("tokens digest bytea NO"), "{first}");

    revert_all(connection, "migrations").unwrap();
    assert_eq!(
        objects(connection),
        "__diesel_schema_migrations __diesel_schema_migrations_pkey"
    );
    assert_eq!(pending(connection).unwrap(), names());

    assert_eq!(apply(connection).unwrap(), names());
    assert_eq!(shape(connection), first);
}

#[test]
fn migrating_a_second_time_does_nothing() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&database);
    apply(connection).unwrap();
    execute(
        connection,
        "INSERT INTO users (id, username, username_key, scopes) VALUES (gen_random_uuid(), 'ada', 'ada', '{}')",
    );
    assert_eq!(apply(connection).unwrap(), Vec::<String>::new());
    assert_eq!(text(connection, "SELECT count(*) FROM users"), "1");
}

#[test]
fn pending_migrations_are_told_without_writing() {
    let database = TestDatabase::empty();
    let (reader, writer) = (&mut connect(&database), &mut connect(&database));
    assert_eq!(pending(writer).unwrap(), names());
    assert_eq!(objects(writer), "");

    execute(reader, "SET default_transaction_read_only = on");
    assert_eq!(pending(reader).unwrap(), names());
    apply(writer).unwrap();
    assert_eq!(pending(reader).unwrap(), Vec::<String>::new());
    execute(
        writer,
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    assert_eq!(pending(reader).unwrap(), names()[names().len() - 1..]);
}

#[test]
fn migrations_by_several_at_once_are_applied_once() {
    let database = TestDatabase::empty();
    let start = Barrier::new(8);
    let mut applied: Vec<String> = thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                let mut connection = connect(&database);
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    apply(&mut connection).unwrap()
                })
            })
            .collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    applied.sort();
    assert_eq!(applied, names());
    assert_eq!(pending(&mut connect(&database)).unwrap(), Vec::<String>::new());
}

#[test]
fn a_migration_that_fails_is_named_and_leaves_nothing() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&database);
    // The migration makes its table first, and then an index of this name.
    execute(connection, "CREATE TABLE revocations_digest ()");

    let failing = names()[1].clone();
    assert!(failing.ends_with("coherence"), "{failing}");
    match apply(connection) {
        Err(MigrationError::Failed { name, reason }) => {
            assert_eq!(name, failing);
            assert!(reason.contains("revocations_digest"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        text(connection, "SELECT to_regclass('revocations') IS NULL"),
        "true"
    );
    let left: Vec<String> = names().into_iter().skip_while(|name| *name != failing).collect();
    assert_eq!(pending(connection).unwrap(), left, "those before it stand");

    execute(connection, "DROP TABLE revocations_digest");
    assert_eq!(apply(connection).unwrap(), left);
}

/// The lock is given back after a failure, too: the next program must not wait for this one's connection to close.
#[test]
fn a_migration_that_fails_keeps_nobody_waiting() {
    let database = TestDatabase::empty();
    let (failed, next) = (&mut connect(&database), &mut connect(&database));
    execute(failed, "CREATE TABLE revocations_digest ()");
    apply(failed).unwrap_err();
    execute(failed, "DROP TABLE revocations_digest");
    execute(next, "SET lock_timeout = '10s'");
    apply(next).unwrap();
}

/// A restore leaves them so: off, or on as ordinary ones, which the next restore passes by.
#[test]
fn triggers_that_were_turned_off_are_pending_and_turned_on_again() {
    let (_, connection) = &mut database();
    for off in ["DISABLE TRIGGER ALL", "ENABLE TRIGGER ALL"] {
        execute(connection, &format!("ALTER TABLE tokens {off}"));
        let labels = ["deleted", "inserted", "replicated", "truncated", "updated"]
            .map(|on| format!("trigger tokens_{on}"));
        assert_eq!(pending(connection).unwrap(), labels, "{off}");
        assert_eq!(apply(connection).unwrap(), labels, "{off}");
        assert_eq!(pending(connection).unwrap(), [""; 0], "{off}");
    }
    execute(connection, "ALTER TABLE users DISABLE TRIGGER users_replicated");
    assert_eq!(pending(connection).unwrap(), ["trigger users_replicated"]);
}

/// Tables of the same names, which are not continued.
#[test]
fn a_database_of_before_the_first_release_is_refused_and_left_as_it_is() {
    let database = TestDatabase::empty();
    let connection = &mut connect(&database);
    execute(
        connection,
        "CREATE TABLE __diesel_schema_migrations (version text PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now()); \
        INSERT INTO __diesel_schema_migrations VALUES ('20261123000100'); CREATE TABLE users (id uuid PRIMARY KEY)",
    );
    let before = shape(connection);
    for refused in [
        apply(connection).unwrap_err().to_string(),
        pending(connection).unwrap_err().to_string(),
    ] {
        assert!(refused.contains("before the first release"), "{refused}");
        assert!(refused.contains("`jeton migrate`"), "{refused}");
    }
    assert_eq!(shape(connection), before);
}
