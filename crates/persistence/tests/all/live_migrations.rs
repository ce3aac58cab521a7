//! Migrations beside services that go on: who is in whose way, and who gives way.

use crate::support::{
    CLI, backend_pid, connect, connect_to, create_user, database, execute, hash, issue_this, new_token,
    outcome, scopes, text, wait_for_blocked,
};
use diesel_migrations::FileBasedMigrations;
use jeton_coherence::lookups::find_valid;
use jeton_domain::{TokenDigest, UserId};
use jeton_persistence::migrations::{self, MigrationError, apply_from};
use jeton_persistence::tokens::Issue;
use jeton_persistence::{DatabaseResult, PgConnection, tokens, users};
use jeton_proof_support::{TestDatabase, wait_until};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "2099-12-31-000000_live";

/// Keeps everybody's order, and then changes the tables in another one.
const CHANGE: &str = "LOCK TABLE users, tokens IN ACCESS EXCLUSIVE MODE; \
    ALTER TABLE tokens ADD COLUMN later text; ALTER TABLE users ADD COLUMN later text";

/// Migrations of a version to come.
struct Migrations(TempDir);

impl Migrations {
    fn new<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, up) in all {
            let folder = directory.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("up.sql"), up).unwrap();
        }
        Self(directory)
    }

    fn apply(&self, connection: &mut PgConnection, wait: Duration) -> Result<Vec<String>, MigrationError> {
        let source = FileBasedMigrations::from_path(self.0.path()).unwrap();
        apply_from(connection, &source, wait)
    }
}

fn change() -> Migrations {
    Migrations::new([(NAME, CHANGE)])
}

/// Ada, who has a token.
fn setting() -> (TestDatabase, PgConnection, UserId, TokenDigest) {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let token = new_token();
    issue_this(&mut connection, ada, &token);
    (database, connection, ada, token.digest)
}

fn look_up(connection: &mut PgConnection, digest: TokenDigest) {
    let found = connection.wait(async |c| find_valid(c, &[digest]).await).unwrap();
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap().1.unwrap();
}

/// A session that Postgres does not choose for the victim of a deadlock: a migration has to give way to it.
fn persistent(database: &TestDatabase) -> PgConnection {
    let mut connection = connect(database);
    execute(&mut connection, "SET deadlock_timeout = '10min'");
    connection
}

/// `users` before `tokens`, whatever is done: who waits for the first does not hold the second.
#[test]
fn all_statements_take_locks_in_one_order() {
    let (database, _, ada, digest) = setting();
    let by = &CLI;
    let statements: [&(dyn Fn(&mut PgConnection) + Sync); 5] = [
        &|connection| look_up(connection, digest),
        &|connection| drop(tokens::issue_for_password(connection, by, ada, &hash(4), &new_token()).unwrap()),
        &|connection| drop(tokens::issue_by_operator(connection, by, ada, &new_token()).unwrap()),
        &|connection| drop(users::set_scopes(connection, by, ada, &scopes("a")).unwrap()),
        &|connection| drop(users::delete(connection, by, ada).unwrap()),
    ];
    for statement in statements {
        let (watcher, mut other) = (&mut connect(&database), connect(&database));
        thread::scope(|scope| {
            let mut holder = connect(&database);
            execute(&mut holder, "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
            scope.spawn(|| statement(&mut other));
            wait_for_blocked(watcher, 1);
            execute(
                &mut holder,
                "LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT",
            );
        });
    }
}

#[test]
fn look_ups_sign_ins_and_changes_of_users_go_on_while_tables_are_changed() {
    let (database, mut connection, _, digest) = setting();
    let bob = create_user(&mut connection, "bob").id;
    let all: Vec<(String, String)> = (0..8)
        .map(|n| {
            (
                format!("2099-12-31-00000{n}_live"),
                CHANGE.replace("later", &format!("later_{n}")),
            )
        })
        .collect();
    let migrations = Migrations::new(all.iter().map(|(name, up)| (name.as_str(), up.as_str())));
    let over = AtomicBool::new(false);
    let (database, over) = (&database, &over);
    let again = move |act: &(dyn Fn(&mut PgConnection) + Sync)| {
        let connection = &mut persistent(database);
        while !over.load(Ordering::Relaxed) {
            act(connection);
        }
    };
    let by = &CLI;
    let change_user = |connection: &mut PgConnection| -> DatabaseResult<()> {
        for set in ["notes:read", "notes:read notes:write"] {
            outcome(users::set_scopes(connection, by, bob, &scopes(set))?).unwrap();
        }
        Ok(())
    };
    let applied = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| again(&|connection| look_up(connection, digest)));
        }
        scope.spawn(|| {
            again(&|connection| {
                let issued = tokens::issue_for_password(connection, by, bob, &hash(4), &new_token());
                assert!(matches!(
                    outcome(issued.unwrap()),
                    Issue::Issued(_) | Issue::RoomMade
                ));
            });
        });
        scope.spawn(|| again(&|connection| change_user(connection).unwrap()));
        let applied = migrations.apply(&mut connection, migrations::LOCK_WAIT);
        over.store(true, Ordering::Relaxed);
        applied
    });
    let names: Vec<&String> = all.iter().map(|(name, _)| name).collect();
    assert_eq!(applied.unwrap().iter().collect::<Vec<_>>(), names);
}

/// As `pg_dump` keeps them, for as long as it takes.
fn dump(database: &TestDatabase) -> PgConnection {
    let mut dump = connect(database);
    execute(
        &mut dump,
        "SET application_name = 'pg_dump'; BEGIN; LOCK TABLE users, tokens IN ACCESS SHARE MODE",
    );
    dump
}

#[test]
fn beside_a_dump_look_ups_go_on_until_the_migration_has_its_turn() {
    let (database, mut connection, _, digest) = setting();
    let (watcher, mut looking) = (&mut connect(&database), connect(&database));
    let pid = backend_pid(&mut connection);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        // Ends with this function, however that ends, and the migration after it.
        let mut dump = dump(&database);
        let migrating = scope.spawn(move || change().apply(&mut connection, migrations::LOCK_WAIT));
        scope.spawn(|| {
            while answered.load(Ordering::Relaxed) < 1000 {
                look_up(&mut looking, digest);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut attempts = BTreeSet::new();
        wait_until("it has tried several times, and look-ups were answered", || {
            let waiting = format!(
                "SELECT coalesce(max(query_start)::text, '') FROM pg_stat_activity \
                    WHERE pid = {pid} AND wait_event_type = 'Lock'"
            );
            attempts.insert(text(watcher, &waiting));
            attempts.remove("");
            attempts.len() >= 3 && answered.load(Ordering::Relaxed) == 1000
        });
        assert!(!migrating.is_finished());
        execute(&mut dump, "COMMIT");
        assert_eq!(migrating.join().unwrap().unwrap(), [NAME]);
    });
}

#[test]
fn a_migration_names_who_is_in_the_way_for_too_long_and_leaves_nothing_behind() {
    let (database, mut connection, ..) = setting();
    let mut dump = dump(&database);
    let refused = change().apply(&mut connection, Duration::ZERO).unwrap_err();
    let said = refused.to_string();
    match refused {
        MigrationError::Locked { name, holders } => {
            assert_eq!(name, NAME);
            let pid = backend_pid(&mut dump);
            assert!(
                holders.starts_with(&format!("process {pid} (pg_dump, statement of 2")),
                "{holders}"
            );
            assert!(!holders.contains("unnamed"), "{holders}");
        }
        other => panic!("{other:?}"),
    }
    assert!(said.starts_with(&format!("{NAME} was not applied")), "{said}");
    assert_eq!(text(&mut connection, "current_setting('lock_timeout')"), "0");
    let left = "SELECT count(*) FROM pg_attribute WHERE attname = 'later'";
    assert_eq!(text(&mut connection, left), "0");

    execute(&mut dump, "ROLLBACK");
    assert_eq!(change().apply(&mut connection, Duration::ZERO).unwrap(), [NAME]);
    assert_eq!(text(&mut connection, left), "2");
}

/// It has `users` and wants `tokens`, and somebody who does not keep the order has them the other way round.
#[test]
fn a_migration_gives_way_in_what_would_be_a_deadlock() {
    let (database, mut connection, ada, _) = setting();
    let watcher = &mut connect(&database);
    thread::scope(|scope| {
        let mut changing = persistent(&database);
        execute(&mut changing, "BEGIN; LOCK TABLE tokens IN ROW EXCLUSIVE MODE");
        let migrating = scope.spawn(move || change().apply(&mut connection, migrations::LOCK_WAIT));
        wait_for_blocked(watcher, 1);
        execute(
            &mut changing,
            &format!("UPDATE users SET disabled_at = now() WHERE id = '{ada}'"),
        );
        execute(&mut changing, "COMMIT");
        assert_eq!(migrating.join().unwrap().unwrap(), [NAME]);
    });
}

/// That a trigger is turned on waits for whoever writes, and makes whoever writes next wait.
#[test]
fn a_trigger_is_turned_on_by_the_same_rule() {
    let (database, mut connection, ..) = setting();
    execute(
        &mut connection,
        "ALTER TABLE tokens DISABLE TRIGGER tokens_deleted",
    );
    let mut writing = connect(&database);
    execute(&mut writing, "BEGIN; LOCK TABLE tokens IN ROW EXCLUSIVE MODE");
    match migrations::apply_within(&mut connection, Duration::ZERO) {
        Err(MigrationError::Locked { name, .. }) => assert_eq!(name, "trigger tokens_deleted"),
        other => panic!("{other:?}"),
    }
    execute(&mut writing, "COMMIT");
    assert_eq!(
        migrations::apply(&mut connection).unwrap(),
        ["trigger tokens_deleted"]
    );
}

/// A service of the version before works on with what a newer one has added, and its own program leaves that alone.
#[test]
fn additions_of_a_newer_version_are_left_alone() {
    let (database, mut connection, ..) = setting();
    change().apply(&mut connection, Duration::ZERO).unwrap();
    let older = &mut connect_to(database.url());
    assert_eq!(migrations::pending(older).unwrap(), [""; 0]);
    assert_eq!(migrations::apply(older).unwrap(), [""; 0]);
    let version = "SELECT max(version) FROM __diesel_schema_migrations";
    assert_eq!(text(older, version), "20991231000000");
    assert_eq!(text(older, "SELECT count(later) FROM tokens"), "0");
}

/// Any role may hold the lock by which programs that migrate wait for each other.
#[test]
fn who_only_says_that_it_migrates_is_named_in_the_end() {
    let (database, mut connection, ..) = setting();
    let mut stranger = connect(&database);
    execute(
        &mut stranger,
        "SET application_name = 'stranger'; SELECT pg_advisory_lock(x'6a65746f6e'::bigint)",
    );
    let busy = change().apply(&mut connection, Duration::ZERO).unwrap_err();
    assert!(matches!(busy, MigrationError::Busy { .. }), "{busy:?}");
    assert!(busy.to_string().contains("(stranger, "), "{busy}");
    execute(&mut stranger, "SELECT pg_advisory_unlock_all()");
    assert_eq!(change().apply(&mut connection, Duration::ZERO).unwrap(), [NAME]);
}
