//! What the server is, and what goes on in it.

use super::*;

#[test]
fn durability_that_is_turned_off_is_told() {
    // As the tests' own server has it.
    let jeton = Jeton::new();
    let fsync = text(&mut jeton.connect(), "SELECT current_setting('fsync')");
    assert_eq!(
        found(&jeton, "durability")
            .iter()
            .any(|one| one.starts_with("error: fsync is off")),
        fsync == "off"
    );
    let name = jeton.0.name();
    execute(
        &mut jeton.connect(),
        &format!("ALTER DATABASE {name} SET synchronous_commit = off"),
    );
    assert_told(
        &found(&jeton, "durability"),
        &["warning: synchronous_commit is off"],
    );
    let jeton = Jeton::new();
    let service = TestRole::create(&jeton.0, "");
    let (role, name) = (service.name(), jeton.0.name());
    execute(
        &mut jeton.connect(),
        &format!("ALTER ROLE {role} IN DATABASE {name} SET synchronous_commit = local"),
    );
    let told = format!("synchronous_commit is local for the role {role}");
    assert_told(&found(&jeton, "durability"), &["warning: ", &told]);
}

/// A pool may be told from none while nobody else uses it, in the mode that matters.
#[test]
fn a_pool_in_transaction_mode_is_told() {
    let jeton = Jeton::new();
    assert_eq!(found(&jeton, "pooler"), [""; 0]);
    if let Some(pooler) = Pooler::start(&jeton.0, "transaction", (1, 0)) {
        assert_told(
            &found_as(pooler.url(), "pooler", ""),
            &["error: a pool is in between that lends sessions for a transaction"],
        );
    }
    if let Some(pooler) = Pooler::start(&jeton.0, "session", (1, 0)) {
        let told = found_as(pooler.url(), "pooler", "");
        assert!(told.iter().all(|one| one.starts_with("warning: ")), "{told:?}");
    }
}

#[test]
fn another_encoding_is_told() {
    let jeton = Jeton::new();
    assert_eq!(found(&jeton, "encoding"), [""; 0]);
    let name = format!("{}_latin", jeton.0.name());
    let admin = &mut jeton.connect();
    execute(
        admin,
        &format!("CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"),
    );
    let url = jeton.0.url().replace(jeton.0.name(), &name);
    let told = std::panic::catch_unwind(|| found_as(&url, "encoding", ""));
    execute(admin, &format!("DROP DATABASE {name} WITH (FORCE)"));
    assert_told(
        &told.unwrap(),
        &["error: ", "the database has the encoding LATIN1"],
    );
}

/// Three checks are about the one answer, and so is whether the others can be made.
#[test]
fn version_and_encoding_are_asked_for_once() {
    on_a_durable_server(|postgres, url| {
        execute(
            &mut connect(url),
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_statement = ''all''', current_database()); END $$",
        );
        assert_eq!(report_as(url, "")["status"], "ok");
        let log = std::fs::read_to_string(postgres.directory().join("log")).unwrap();
        let asked = log
            .matches("SELECT current_setting('server_version_num')")
            .count();
        assert_eq!(asked, 1, "{log}");
    });
}

#[test]
fn settings_that_sessions_should_not_begin_with_are_told() {
    for (setting, told) in [
        (
            "default_transaction_isolation = serializable",
            "warning: default_transaction_isolation is serializable",
        ),
        ("row_security = off", "error: row_security is off"),
        (
            "session_replication_role = replica",
            "error: session_replication_role is replica",
        ),
        ("statement_timeout = '7s'", "warning: statement_timeout is 7"),
    ] {
        let jeton = Jeton::new();
        assert_eq!(found(&jeton, "settings"), [""; 0]);
        let name = jeton.0.name();
        execute(
            &mut jeton.connect(),
            &format!("ALTER DATABASE {name} SET {setting}"),
        );
        assert_told(&found(&jeton, "settings"), &[told]);
    }
    // Of a role that is not this one.
    let jeton = Jeton::new();
    let role = TestRole::create(&jeton.0, "");
    execute(
        &mut jeton.connect(),
        &format!(
            "ALTER ROLE {} IN DATABASE {} SET session_replication_role = replica",
            role.name(),
            jeton.0.name()
        ),
    );
    assert_told(
        &found(&jeton, "settings"),
        &["error: ", role.name(), "in this database"],
    );
}

#[test]
fn connections_that_run_out_are_told() {
    let jeton = Jeton::new();
    let role = TestRole::create(&jeton.0, "CONNECTION LIMIT 1");
    let only = connect(role.url());
    assert_told(
        &found(&jeton, "connections"),
        &["warning: the role", role.name(), "1 of 1 connections"],
    );
    drop(only);
    execute(
        &mut jeton.connect(),
        "INSERT INTO verifiers (id, name, lease_ms) SELECT gen_random_uuid(), 'shop', 100
            FROM generate_series(1, current_setting('max_connections')::int / 2 + 1)",
    );
    assert_told(
        &found(&jeton, "connections"),
        &["warning: ", "processes check tokens"],
    );
}

#[test]
fn transactions_that_are_open_for_long_are_told() {
    let jeton = Jeton::new();
    let mut open = jeton.connect();
    execute(
        &mut open,
        "SET application_name = 'nightly report'; BEGIN; SELECT pg_current_xact_id()",
    );
    assert_told(
        &found_as(jeton.0.url(), "transactions", "--transaction-age 1ms"),
        &[
            "warning: process ",
            "nightly report",
            jeton.0.name(),
            "does nothing in it",
        ],
    );
    let young = found_as(jeton.0.url(), "transactions", "--transaction-age 1d");
    assert!(
        !young.iter().any(|one| one.contains("nightly report")),
        "{young:?}"
    );
}

#[test]
fn locks_that_logouts_wait_for_are_told() {
    let jeton = Jeton::new();
    assert_eq!(found(&jeton, "locks"), [""; 0]);
    let mut holder = jeton.connect();
    execute(
        &mut holder,
        "SET application_name = 'import'; BEGIN; LOCK TABLE verifiers IN EXCLUSIVE MODE",
    );
    assert_told(
        &found(&jeton, "locks"),
        &["error: process ", "import", "verifiers ExclusiveLock"],
    );
    // What is behind the lock is not seen, and not waited for.
    execute(&mut holder, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    assert_told(&found(&jeton, "users"), &["unseen: this could not be looked at"]);
}

#[test]
fn a_log_of_revocations_that_is_not_purged_or_not_this_servers_is_told() {
    each_is_told(
        "revocations",
        &[
            (
                "INSERT INTO revocations (digest) SELECT sha256(n::text::bytea) FROM generate_series(1, 100001) AS n",
                &["warning: ", "more than 100000 rows"],
            ),
            (
                "INSERT INTO revocations (xid, digest) VALUES ('999999999999', '')",
                &["warning: ", "another server"],
            ),
        ],
    );
}

#[test]
fn verifiers_that_have_died_are_told_and_those_that_live_are_not() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), E'silent\\n\\u202eone', 100),
            (gen_random_uuid(), 'alive', 60000)",
    );
    let over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            let connection = &mut jeton.connect();
            while !over.load(Ordering::Relaxed) {
                execute(
                    connection,
                    "UPDATE verifiers SET version = version + 1 WHERE name = 'alive'",
                );
            }
        });
        let told = std::panic::catch_unwind(|| found_as(jeton.0.url(), "verifiers", ""));
        over.store(true, Ordering::Relaxed);
        told.unwrap()
    });
    assert_eq!(told.len(), 1, "{told:?}");
    assert_told(
        &told,
        &[
            "error: the verifier \"silent\\u000a\\u202eone\" of the role ",
            "lease of 100 ms",
        ],
    );
}

#[test]
fn a_role_with_many_verifiers_is_told() {
    let registered = |rows: u32| {
        format!(
            "INSERT INTO verifiers (id, name, lease_ms) SELECT gen_random_uuid(), 'shop', 100 FROM generate_series(1, {rows})"
        )
    };
    each_is_told(
        "registrations",
        &[
            (
                &registered(204),
                &["warning: the role ", "has registered 204 verifiers, of 256"],
            ),
            (
                &registered(257),
                &["error: the role ", "257 verifiers, which it can only by hand"],
            ),
            (
                &registered(10_001),
                &["error: more than 10000 verifiers are registered"],
            ),
        ],
    );
}

#[test]
fn commits_that_wait_for_a_standby_are_told() {
    on_a_durable_server(|postgres, url| {
        assert_eq!(found_as(url, "commits", ""), [""; 0]);
        let standby = SilentStandby::of(postgres);
        assert_told(
            &found_as(url, "commits", ""),
            &["error: no standby of synchronous_standby_names (silent) is connected"],
        );
        let mut writer = connect(url);
        let writing = thread::spawn(move || {
            drop(writer.batch_execute("SELECT pg_logical_emit_message(true, 'test', '')"))
        });
        wait_until("it is told", || {
            let told = found_as(url, "commits", "");
            told.iter().any(|one| one.starts_with("error: 1 commits wait"))
        });
        standby.end();
        writing.join().unwrap();
        assert_eq!(found_as(url, "commits", ""), [""; 0]);
    });
}
