//! Each fault, made on a real database and found.

use crate::jeton::{Jeton, command, run};
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::PgConnection;
use jeton_proof_support::{Pooler, TestDatabase, TestRole, connect, execute, migrate, text};
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
    assert_told(&told.unwrap(), &["error: ", "encoding is LATIN1"]);
}

#[test]
fn a_database_that_is_not_up_to_date_is_told_and_the_rest_is_not_guessed_at() {
    let jeton = Jeton(TestDatabase::empty());
    let report = report_as(jeton.0.url(), "");
    assert_told(
        &found(&jeton, "migrations"),
        &["error: ", "_accounts has not been applied"],
    );
    let users = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == "users");
    assert_eq!(users.unwrap()["status"], "unseen");
}

#[test]
fn other_series_of_migrations_are_told() {
    let newer = "INSERT INTO __diesel_schema_migrations VALUES ('20991231000000')";
    let older = "INSERT INTO __diesel_schema_migrations VALUES ('20261123000100')";
    each_is_told(
        "migrations",
        &[
            (newer, &["warning: 1 migrations", "20991231000000"]),
            (older, &["error: ", "before the first release"]),
        ],
    );
}

#[test]
fn triggers_that_are_not_as_they_should_be_are_told() {
    each_is_told(
        "triggers",
        &[
            ("ALTER TABLE users DISABLE TRIGGER users_updated", &["error: ", "users_updated", "turned off"]),
            ("ALTER TABLE users ENABLE TRIGGER users_updated", &["error: ", "users_updated", "not enabled as ALWAYS"]),
            (
                "ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_replicated",
                &["error: ", "tokens_replicated", "not enabled as REPLICA"],
            ),
            ("DROP TRIGGER tokens_deleted ON tokens", &["error: ", "tokens_deleted", "is missing"]),
            (
                "CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                DROP TRIGGER tokens_deleted ON tokens;
                CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION idle();
                ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_deleted",
                &["error: ", "tokens_deleted on tokens calls idle"],
            ),
        ],
    );
}

#[test]
fn functions_that_are_not_as_they_should_be_are_told() {
    each_is_told(
        "functions",
        &[
            (
                "CREATE OR REPLACE FUNCTION jeton_tokens_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                    SET search_path = public, pg_temp AS 'BEGIN RETURN NULL; END'",
                &["error: ", "jeton_tokens_deleted does not do"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() SECURITY INVOKER",
                &["error: ", "jeton_users_updated is not SECURITY DEFINER"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() RESET search_path",
                &["error: ", "jeton_users_updated", "search_path"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() SET search_path = pg_temp, public",
                &["error: ", "jeton_users_updated", "search_path"],
            ),
            (
                "ALTER FUNCTION jeton_delete_audit_events(timestamptz, integer) OWNER TO jeton_auth",
                &["error: ", "jeton_delete_audit_events belongs to jeton_auth"],
            ),
            (
                "GRANT EXECUTE ON FUNCTION jeton_delete_audit_events(timestamptz, integer) TO PUBLIC",
                &["error: ", "jeton_delete_audit_events may be executed by everybody"],
            ),
            (
                "DROP FUNCTION jeton_delete_audit_events(timestamptz, integer)",
                &["error: ", "jeton_delete_audit_events is missing"],
            ),
        ],
    );
}

#[test]
fn constraints_and_indexes_that_are_gone_are_told() {
    each_is_told(
        "constraints",
        &[
            (
                "ALTER TABLE users DROP CONSTRAINT users_username_key_unique",
                &["error: ", "constraint users_username_key_unique is missing"],
            ),
            (
                "ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
                ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check CHECK (kind IN ('login', 'personal')) NOT VALID",
                &["error: ", "tokens_kind_check is not valid"],
            ),
            ("DROP INDEX tokens_user_id_id", &["error: ", "index tokens_user_id_id is missing"]),
        ],
    );
}

#[test]
fn rights_that_are_missing_or_too_many_are_told() {
    each_is_told(
        "roles",
        &[
            (
                "REVOKE SELECT (digest) ON tokens FROM jeton_verifier",
                &["error: jeton_verifier lacks SELECT on tokens.digest"],
            ),
            (
                "REVOKE INSERT ON users FROM jeton_auth",
                &["error: jeton_auth lacks INSERT on users"],
            ),
            (
                "GRANT SELECT (password_hash) ON users TO jeton_verifier",
                &["error: jeton_verifier has SELECT on users.password_hash"],
            ),
            (
                "GRANT TRUNCATE ON audit_events TO PUBLIC",
                &["error: jeton_auth has TRUNCATE on audit_events"],
            ),
            (
                "GRANT EXECUTE ON FUNCTION jeton_log_revocations(bytea[]) TO jeton_auth",
                &["error: jeton_auth has EXECUTE on jeton_log_revocations"],
            ),
            (
                "GRANT CREATE ON SCHEMA public TO PUBLIC",
                &["warning: every role may create objects"],
            ),
        ],
    );
    // Of one service's role, by itself and by way of another's.
    let jeton = Jeton::new();
    let shop = TestRole::create(&jeton.0, "IN ROLE jeton_verifier");
    let writers = TestRole::create(&jeton.0, "");
    let blog = TestRole::create(&jeton.0, &format!("IN ROLE jeton_verifier, {}", writers.name()));
    execute(
        &mut jeton.connect(),
        &format!(
            "GRANT UPDATE ON verifiers TO {}; GRANT DELETE ON tokens TO {}",
            shop.name(),
            writers.name()
        ),
    );
    let told = found(&jeton, "roles");
    assert_told(
        &told,
        &[&format!("error: {} has UPDATE on verifiers", shop.name())],
    );
    assert_told(&told, &[&format!("error: {} has DELETE on tokens", blog.name())]);
    drop(blog);
}

#[test]
fn services_that_sign_in_as_somebody_powerful_are_told() {
    let jeton = Jeton::new();
    for (options, told) in [
        ("BYPASSRLS", "passes by row security"),
        ("SUPERUSER", "is a superuser"),
        ("CREATEROLE", "may create roles"),
        ("REPLICATION", "may replicate"),
    ] {
        let role = TestRole::create(&jeton.0, &format!("{options} IN ROLE jeton_verifier"));
        assert_told(&found(&jeton, "service-roles"), &["error: ", role.name(), told]);
    }
    let role = TestRole::create(&jeton.0, "IN ROLE jeton_verifier, pg_write_server_files");
    assert_told(
        &found(&jeton, "service-roles"),
        &["error: ", role.name(), "is a member of pg_write_server_files"],
    );
    execute(
        &mut jeton.connect(),
        "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'shop', 100)",
    );
    assert_told(
        &found(&jeton, "service-roles"),
        &["warning: services check tokens as ", ", a superuser"],
    );
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
            FROM generate_series(1, current_setting('max_connections')::int / 3 + 1)",
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

const USER: &str = "INSERT INTO users (id, username, username_key, scopes, email) VALUES ";

#[test]
fn users_who_cannot_sign_in_are_told() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    assert_eq!(found(&jeton, "users"), [""; 0]);
    let (a, b, c) = (
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1",
    );
    // A `lower()` in SQL is not the key.
    execute(
        &mut jeton.connect(),
        &format!(
            "{USER} ('{a}', 'Straße', 'straße', '{{}}', ''), ('{b}', 'STRASSE', 'other', '{{}}', NULL), \
            ('{c}', 'ADA', 'ADA', '{{}}', NULL)"
        ),
    );
    let told = found(&jeton, "users");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_told(&told, &[a, "\"Straße\", cannot sign in: username_key"]);
    assert_told(&told, &[b, &format!("it is the user {a}")]);
    let ada = jeton.find_user("ada").unwrap().user.id.to_string();
    assert_told(&told, &[c, &format!("it is the user {ada}")]);
    // As the remedy says.
    jeton.run(&format!("user rename {a} Straße")).ok();
    jeton.run(&format!("user rename {b} strasse2")).ok();
    jeton.run(&format!("user rename {c} ada2")).ok();
    assert_eq!(found(&jeton, "users"), [""; 0]);
}

#[test]
fn rows_that_cannot_be_read_are_told() {
    let jeton = Jeton::new().with_user("ada");
    execute(
        &mut jeton.connect(),
        "ALTER TABLE users DROP CONSTRAINT users_scopes_check; ALTER TABLE tokens DROP CONSTRAINT tokens_scopes_check",
    );
    for (column, value, told) in [
        ("username", "'a b c'", "which may contain letters"),
        ("email", "'nobody'", "an e-mail address that is none"),
        ("scopes", "'{two words}'", "scopes that are none"),
        ("scopes", "'{{a},{b}}'", "scopes that are none"),
        ("scopes", "'{NULL}'", "scopes that are none"),
        ("scopes", "array_fill('a'::text, '{65}')", "scopes that are none"),
        ("created_at", "'infinity'", "a time that cannot be told"),
    ] {
        let connection = &mut jeton.connect();
        // Where the tables refuse it, there is nothing to be found.
        let made = connection.batch_execute(&format!("BEGIN; UPDATE users SET {column} = {value}; COMMIT"));
        if made.is_ok() {
            let told_of = found(&jeton, "users");
            assert_told(&told_of, &["error: the user ", told]);
        } else {
            connection.batch_execute("ROLLBACK").unwrap();
        }
        execute(
            connection,
            "UPDATE users SET username = 'ada', email = NULL, scopes = '{}', created_at = now()",
        );
    }
    execute(
        &mut jeton.connect(),
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
            SELECT gen_random_uuid(), id, sha256('a'), 'login', E'two\\nlines', '{}' FROM users",
    );
    assert_told(
        &found(&jeton, "tokens"),
        &["error: the token ", "a name that is none"],
    );
    execute(
        &mut jeton.connect(),
        "UPDATE tokens SET name = 'one', scopes = '{two words}'",
    );
    assert_told(
        &found(&jeton, "tokens"),
        &["error: the token ", "scopes that are none"],
    );
}

#[test]
fn of_very_many_faults_some_are_told_and_all_are_counted() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO users (id, username, username_key, scopes)
            SELECT gen_random_uuid(), 'User' || n, 'User' || n, '{}' FROM generate_series(1, 10050) AS n",
    );
    let told = found(&jeton, "users");
    assert_eq!(told.len(), 20, "{told:?}");
    assert_eq!(told[19], "error: and 10031 more users");
}

#[test]
fn rows_that_lie_in_the_future_are_told() {
    each_is_told(
        "future",
        &[
            (
                "INSERT INTO users (id, username, username_key, scopes, created_at)
                    VALUES (gen_random_uuid(), 'ada', 'ada', '{}', now() + interval '1 day')",
                &["error: created_at lies in the future: 1 rows of users"],
            ),
            (
                "INSERT INTO token_uses (token_id, last_used_at) VALUES (gen_random_uuid(), '9999-01-01')",
                &["error: last_used_at lies in the future: 1 rows of token_uses, up to 9999"],
            ),
            (
                "INSERT INTO network_attempts (network, failures, last_at) VALUES ('203.0.113.7', 1, now() + interval '1 year')",
                &["error: ", "network_attempts"],
            ),
            (
                "INSERT INTO audit_events (id, action, actor_label, at) VALUES (gen_random_uuid(), 'sign-in', 'cli', now() + interval '1 h')",
                &["error: ", "audit_events"],
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
            "error: the verifier \"silent\\u{a}\\u{202e}one\" of the role ",
            "lease of 100 ms",
        ],
    );
}

#[test]
fn a_role_that_registers_without_end_is_told() {
    each_is_told(
        "verifiers",
        &[(
            "INSERT INTO verifiers (id, name, lease_ms) SELECT gen_random_uuid(), 'shop', 100 FROM generate_series(1, 201)",
            &["error: the role ", "has registered 201 verifiers"],
        )],
    );
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
    for seen in ["encoding", "migrations", "triggers", "functions", "constraints"] {
        assert_eq!(status(seen), "ok", "{report}");
    }
    for unseen in ["users", "tokens", "verifiers", "future", "transactions"] {
        assert_eq!(status(unseen), "unseen", "{report}");
    }
    drop(others);
}
