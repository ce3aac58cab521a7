//! What a service may do that is a member of `jeton_verifier`, or of `jeton_auth`, and what it may not.

use crate::logbook::setting;
use crate::support::{CLI, connect, connect_to, count, execute, text, unavailable};
use crate::verifiers::{LEASE, only, register, renew};
use diesel::connection::SimpleConnection;
use jeton_coherence::verifiers::{self, Removal, Removed};
use jeton_domain::Password;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::roles::{self, Made, RoleError, RoleOptions};
use jeton_persistence::{ConnectionLimits, DatabaseUrl, PgConnection, establish};
use jeton_proof_support::{TestDatabase, TestRole, may, may_not, migrate};
use uuid::Uuid;

const CHECKS: [&str; 10] = [
    "SELECT t.id, user_id, digest, kind, t.scopes, expires_at, username, u.scopes, disabled_at
        FROM tokens AS t JOIN users AS u ON u.id = t.user_id",
    "SELECT xid, digest FROM revocations",
    "SELECT version FROM __diesel_schema_migrations",
    "SELECT id, version, applied FROM verifiers",
    "SELECT token_id, last_used_at FROM token_uses",
    "SELECT jeton_register(gen_random_uuid(), gen_random_uuid(), 'name', 1000)",
    "SELECT jeton_renew(gen_random_uuid(), gen_random_uuid(), pg_current_snapshot(), '{}')",
    "SELECT jeton_deregister(gen_random_uuid())",
    "SELECT jeton_note_uses(array_agg(id), array_agg(0::float8)) FROM tokens",
    "LISTEN jeton_revocations",
];

/// What the auth service does besides.
const AUTH: [&str; 20] = [
    "SELECT * FROM users",
    "SELECT id FROM users FOR SHARE",
    "SELECT id FROM users FOR NO KEY UPDATE",
    "INSERT INTO users (id, username, username_key, scopes) VALUES (gen_random_uuid(), 'eve', 'eve', '{}')",
    "UPDATE users SET scopes = '{admin}', disabled_at = now(), password_hash = NULL",
    "DELETE FROM users",
    "SELECT * FROM tokens FOR UPDATE SKIP LOCKED",
    "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
        SELECT gen_random_uuid(), id, sha256(id::text::bytea), 'login', 'n', '{}' FROM users",
    "UPDATE tokens SET name = 'n'",
    "DELETE FROM tokens",
    "SELECT * FROM verifiers",
    "SELECT jeton_remove_expired('{}', '{}', gen_random_uuid())",
    "DELETE FROM revocations",
    "DELETE FROM token_uses",
    "DELETE FROM account_attempts",
    "DELETE FROM network_attempts",
    "INSERT INTO audit_events (id, action, actor_label) VALUES (gen_random_uuid(), 'logout', 'cli')",
    "SELECT * FROM audit_events",
    "SELECT jeton_delete_audit_events(now() - interval '168 hours', 1000)",
    "SELECT FROM locks FOR UPDATE",
];

/// Nobody rewrites history, and nobody but the triggers writes the log of revocations.
const NOT_EVEN_AUTH: [&str; 19] = [
    "UPDATE audit_events SET action = 'logout'",
    "UPDATE audit_events SET detail = '{}'",
    "DELETE FROM audit_events",
    "TRUNCATE audit_events",
    "INSERT INTO audit_events (id, action, actor_label, at) VALUES (gen_random_uuid(), 'logout', 'cli', now())",
    "SELECT id FROM audit_events FOR UPDATE",
    "SELECT jeton_delete_audit_events(now() - interval '167 hours', 1000)",
    "SELECT jeton_delete_audit_events(NULL, 1000)",
    "SELECT jeton_delete_audit_events('infinity', 1000)",
    "INSERT INTO revocations (digest) VALUES ('')",
    "DELETE FROM verifiers",
    "UPDATE verifiers SET version = version + 1",
    "DELETE FROM locks",
    "TRUNCATE tokens",
    "TRUNCATE users CASCADE",
    "DELETE FROM __diesel_schema_migrations",
    "CREATE TABLE mine ()",
    "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    "DROP TABLE audit_events",
];

/// Nobody's business but the auth service's and the operator's.
const NEVER: [&str; 46] = [
    "SELECT password_hash FROM users",
    "SELECT email FROM users",
    "SELECT username_key FROM users",
    "SELECT created_at FROM users",
    "SELECT * FROM users",
    "SELECT users FROM users",
    "SELECT id FROM users FOR SHARE",
    "INSERT INTO users (id, username, username_key, scopes) VALUES (gen_random_uuid(), 'eve', 'eve', '{}')",
    "UPDATE users SET scopes = '{admin}'",
    "DELETE FROM users",
    "TRUNCATE users CASCADE",
    "SELECT name FROM tokens",
    "SELECT * FROM tokens",
    "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
        SELECT gen_random_uuid(), id, sha256('x'), 'login', 'n', '{}' FROM users",
    "UPDATE tokens SET expires_at = NULL",
    "UPDATE tokens SET scopes = '{admin}'",
    "DELETE FROM tokens",
    "TRUNCATE tokens",
    "INSERT INTO revocations (digest) VALUES ('')",
    "UPDATE revocations SET xid = '1'",
    "DELETE FROM revocations",
    "TRUNCATE revocations",
    "SELECT name FROM verifiers",
    "SELECT FROM verifiers FOR KEY SHARE",
    "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'n', 1000)",
    "UPDATE verifiers SET version = version + 1",
    "UPDATE verifiers SET lease_ms = 100",
    "DELETE FROM verifiers",
    "TRUNCATE verifiers",
    "SELECT jeton_remove_expired('{}', '{}', gen_random_uuid())",
    "SELECT jeton_commit_durably()",
    "SELECT jeton_log_revocations('{}')",
    "SELECT FROM locks",
    "SELECT FROM locks FOR UPDATE",
    "SELECT FROM token_uses FOR UPDATE",
    "INSERT INTO token_uses SELECT id, '1970-01-01' FROM tokens",
    "UPDATE token_uses SET last_used_at = '9999-12-31'",
    "DELETE FROM token_uses",
    "TRUNCATE token_uses",
    "INSERT INTO __diesel_schema_migrations (version) VALUES ('later')",
    "DELETE FROM __diesel_schema_migrations",
    "CREATE TABLE mine ()",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "DROP TABLE tokens CASCADE",
    "ALTER TABLE tokens DISABLE TRIGGER ALL",
];

fn with_tokens() -> (TestDatabase, PgConnection) {
    let (database, mut connection, _) = setting();
    // As in databases that were made by Postgres 15 and newer.
    execute(&mut connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    (database, connection)
}

#[test]
fn a_verifier_may_do_what_checks_take_and_nothing_else() {
    let (database, _) = with_tokens();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let connection = &mut connect_to(role.url());
    for statement in CHECKS {
        may(connection, statement);
    }
    for statement in NEVER {
        may_not(connection, statement);
    }
    // Rights on columns are none to lock a table by, however weakly.
    for table in TABLES {
        for mode in ["ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "ACCESS EXCLUSIVE"] {
            may_not(connection, &format!("LOCK TABLE {table} IN {mode} MODE"));
        }
    }
}

const TABLES: [&str; 10] = [
    "users",
    "tokens",
    "token_uses",
    "account_attempts",
    "network_attempts",
    "revocations",
    "verifiers",
    "locks",
    "audit_events",
    "__diesel_schema_migrations",
];

/// Who deletes the row of another has revocations acknowledged that the other has not heard of.
#[test]
fn a_verifier_leaves_the_rows_of_others_alone_and_the_auth_service_ends_them() {
    let (database, mut owner) = with_tokens();
    let shop = TestRole::create(&database, "IN ROLE jeton_verifier");
    let blog = TestRole::create(&database, "IN ROLE jeton_verifier");
    let auth = TestRole::create(&database, "IN ROLE jeton_verifier, jeton_auth");
    let [shop, blog, auth] = &mut [&shop, &blog, &auth].map(|role| connect_to(role.url()));
    let (id, applied) = register(shop);
    for other in [&mut *blog, &mut *auth] {
        assert!(renew(other, id, applied.clone()).unwrap().is_err());
        other.wait(|c| verifiers::deregister(c, id)).unwrap();
        // In its place, as it were.
        let next = Uuid::now_v7();
        other
            .wait(|c| verifiers::register(c, next, Some(id), "mine", LEASE))
            .unwrap();
        other.wait(|c| verifiers::deregister(c, next)).unwrap();
    }
    assert_eq!(only(&mut owner).version, 0);
    // Whoever waits for verifiers has to see them, with whatever rights.
    assert_eq!(count(blog, "verifiers"), 1);
    renew(shop, id, applied).unwrap().unwrap();
    assert_eq!(only(auth).version, 1);
    let sessions = [&mut *auth, &mut *blog].map(|other| verifiers::session(other).unwrap());
    verifiers::remove_expired(blog, &[(id, 1)], sessions[1]).unwrap_err();
    let removed = verifiers::remove_expired(auth, &[(id, 1)], sessions[0]).unwrap();
    let name = "a test's".to_owned();
    assert_eq!(removed, Removal::Done(vec![Removed { id, name }]));
    assert_eq!(count(&mut owner, "verifiers"), 0);
    let (id, _) = register(shop);
    shop.wait(|c| verifiers::deregister(c, id)).unwrap();
    assert_eq!(count(&mut owner, "verifiers"), 0);
}

/// Where everybody may create objects, as before Postgres 15, an operator or a function may be made that fits better
/// than those for any type of array; the log's triggers do their work as its owner.
#[test]
fn functions_that_a_role_creates_are_not_called_as_the_owner() {
    let (database, mut owner) = with_tokens();
    assert_eq!(roles::open_schema(&mut owner).unwrap(), None);
    execute(&mut owner, "GRANT CREATE ON SCHEMA public TO PUBLIC");
    assert_eq!(roles::open_schema(&mut owner).unwrap().as_deref(), Some("public"));
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    execute(
        &mut connect_to(role.url()),
        "CREATE FUNCTION public.trap(text[], text[]) RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE OPERATOR public.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.trap);
        CREATE OPERATOR public.<> (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.trap);
        CREATE FUNCTION public.cardinality(bytea[]) RETURNS integer LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.cardinality(uuid[]) RETURNS integer LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.unnest(bytea[]) RETURNS SETOF bytea LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.date_trunc(varchar, timestamptz) RETURNS timestamptz LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.generate_series(smallint, smallint) RETURNS SETOF smallint LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.same(pg_snapshot, pg_snapshot) RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE OPERATOR public.= (LEFTARG = pg_snapshot, RIGHTARG = pg_snapshot, FUNCTION = public.same);
        CREATE FUNCTION public.same(smallint, bigint) RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE FUNCTION public.same(text, varchar) RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = public.same);",
    );
    // What the functions for services do, they do as well.
    let (id, applied) = register(&mut owner);
    renew(&mut owner, id, applied).unwrap().unwrap();
    execute(
        &mut owner,
        "SELECT jeton_note_uses(array_agg(id), array_agg(0::float8)) FROM tokens;
        SELECT jeton_remove_expired(array_agg(id), array_agg(version), gen_random_uuid()) FROM verifiers",
    );
    owner.wait(|c| verifiers::deregister(c, id)).unwrap();
    for statement in [
        "UPDATE tokens SET scopes = '{}'",
        "UPDATE users SET scopes = '{}'",
        "BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE users SET disabled_at = now(); COMMIT",
        "SET session_replication_role = replica; UPDATE tokens SET scopes = '{a}'; UPDATE users SET scopes = '{a}'",
        "SET session_replication_role = origin; DELETE FROM tokens; DELETE FROM users; TRUNCATE tokens",
    ] {
        execute(&mut owner, statement);
    }
}

/// By which whoever takes the auth service over cannot cover it up.
#[test]
fn the_auth_service_may_do_its_work_and_not_rewrite_what_happened() {
    let (database, _) = with_tokens();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier, jeton_auth");
    let connection = &mut connect_to(role.url());
    for statement in CHECKS.iter().chain(&AUTH) {
        may(connection, statement);
    }
    for statement in NOT_EVEN_AUTH {
        may_not(connection, statement);
    }
}

#[test]
fn a_role_that_is_not_the_auth_services_sees_nothing_of_what_happened() {
    let (database, _) = with_tokens();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let connection = &mut connect_to(role.url());
    for statement in &AUTH[14..] {
        may_not(connection, statement);
    }
}

/// The functions write the log as its owner, for the tables that they belong to.
#[test]
fn the_logs_triggers_are_not_to_be_put_on_other_tables() {
    let (database, mut connection) = with_tokens();
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    let theirs = &mut connect_to(role.url());
    execute(
        theirs,
        "CREATE TEMPORARY TABLE bait (digest bytea); INSERT INTO bait VALUES ('')",
    );
    for function in [
        "tokens_deleted",
        "tokens_updated",
        "tokens_truncated",
        "users_updated",
        "users_deleted",
    ] {
        may_not(
            theirs,
            &format!("CREATE TRIGGER hook AFTER TRUNCATE ON bait EXECUTE FUNCTION public.jeton_{function}()"),
        );
    }
    may_not(
        theirs,
        "CREATE TRIGGER hook AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION public.jeton_tokens_inserted()",
    );
    assert_eq!(count(&mut connection, "revocations WHERE digest = ''"), 0);
}

/// A name that is gone with this value: [`roles::create`] is what makes the role.
struct Name(String, TestDatabase);

impl Name {
    fn new() -> Self {
        Self(
            format!("jeton_test_{:016x}", rand::random::<u64>()),
            TestDatabase::create(),
        )
    }

    fn sign_in(&self, password: &str) -> jeton_persistence::DatabaseResult<PgConnection> {
        let (_, host) = self.1.url().split_once('@').unwrap();
        let url = DatabaseUrl::parse(&format!("postgres://{}:{password}@{host}", self.0)).unwrap();
        establish(&url, ConnectionLimits::NONE)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = connect(&self.1).batch_execute(&format!("DROP ROLE IF EXISTS {}", self.0));
    }
}

fn create(connection: &mut PgConnection, name: &str, password: &str, auth: bool) -> Result<Made, RoleError> {
    let password = Password::new(password.to_owned());
    let options = RoleOptions {
        auth,
        ..RoleOptions::default()
    };
    roles::create(connection, &CLI, name, &password, options)
}

#[test]
fn a_role_is_made_with_a_password_and_then_given_another() {
    let name = Name::new();
    let connection = &mut connect(&name.1);
    // Whoever quotes by hand gets it wrong.
    let (first, second) = (r"it's%20'or\%20%25s", "another");
    let made = create(connection, &name.0, r"it's 'or\ %s", false);
    assert_eq!(made.unwrap(), Made::Created);
    let theirs = &mut name.sign_in(first).unwrap();
    may(theirs, CHECKS[0]);
    may_not(theirs, AUTH[0]);

    let made = create(connection, &name.0, second, true);
    assert_eq!(made.unwrap(), Made::Changed);
    unavailable(name.sign_in(first).map(drop));
    let theirs = &mut name.sign_in(second).unwrap();
    may(theirs, CHECKS[0]);
    may(theirs, AUTH[0]);

    // What is not said again is taken back.
    create(connection, &name.0, second, false).unwrap();
    may_not(theirs, AUTH[0]);
}

/// As clients make it of what was typed: composed, decomposed, with what it drops, and what it leaves as it is.
#[test]
fn whoever_was_given_a_password_signs_in_with_it_whatever_it_is_of() {
    let name = Name::new();
    let connection = &mut connect(&name.1);
    for text in [
        "sesame",
        "pässwörter",
        "pa\u{308}sswo\u{308}rter",
        "two\u{a0}words and \u{2163}",
        "soft\u{ad}hyphen",
        "🦆🦆 \u{aa}",
        "\u{627}1",
        "control\u{7}\u{aa}",
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$x:y",
        &"long ".repeat(200),
    ] {
        create(connection, &name.0, text, false).unwrap();
        let typed: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        name.sign_in(&typed)
            .unwrap_or_else(|error| panic!("{text:?}: {error}"));
        unavailable(name.sign_in("another").map(drop));
    }
    for unclear in ["\u{ad}", "e\u{341}\u{aa}"] {
        let refused = create(connection, &name.0, unclear, false);
        assert!(matches!(refused, Err(RoleError::UnclearPassword)), "{refused:?}");
    }
}

#[test]
fn the_servers_log_never_has_a_services_password() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let connection = &mut connect_to(&postgres.url());
    execute(connection, "SET log_statement = 'all'");
    execute(connection, "SET log_min_duration_statement = 0");
    execute(connection, "SET log_parameter_max_length = -1");
    create(connection, "shop", "sesame open", false).unwrap();
    let stored = text(
        connection,
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'shop'",
    );
    assert!(stored.starts_with("SCRAM-SHA-256$4096:"), "{stored}");
    let log = std::fs::read_to_string(postgres.directory().join("log")).unwrap();
    assert!(log.contains("ALTER ROLE shop LOGIN"), "{log}");
    assert!(!log.contains("sesame"));
}

#[test]
fn a_role_has_so_many_connections() {
    let name = Name::new();
    let connection = &mut connect(&name.1);
    let limit = |connection: &mut PgConnection, name: &str| {
        let limit = format!("SELECT rolconnlimit FROM pg_roles WHERE rolname = '{name}'");
        text(connection, &limit)
    };
    create(connection, &name.0, "sesame", false).unwrap();
    assert_eq!(limit(connection, &name.0), "50");
    let few = RoleOptions {
        connection_limit: 2,
        ..RoleOptions::default()
    };
    let sesame = Password::new("sesame".to_owned());
    roles::create(connection, &CLI, &name.0, &sesame, few).unwrap();
    let _held = [name.sign_in("sesame").unwrap(), name.sign_in("sesame").unwrap()];
    let refused = unavailable(name.sign_in("sesame").map(drop));
    assert!(refused.contains("too many connections"), "{refused}");

    // One that was made by hand is found.
    let by_hand = TestRole::create(&name.1, "IN ROLE jeton_verifier");
    let found = roles::without_connection_limit(connection).unwrap();
    assert!(
        found.iter().any(|role| role == by_hand.name()) && !found.contains(&name.0),
        "{found:?}"
    );
}

#[test]
fn a_role_that_is_no_services_is_left_alone() {
    let name = Name::new();
    let connection = &mut connect(&name.1);
    for options in [
        "LOGIN PASSWORD 'theirs'",
        "LOGIN PASSWORD 'theirs' IN ROLE jeton_verifier CREATEROLE",
        "LOGIN PASSWORD 'theirs' IN ROLE jeton_verifier CREATEDB",
        "LOGIN PASSWORD 'theirs' IN ROLE jeton_verifier SUPERUSER",
    ] {
        execute(connection, &format!("CREATE ROLE {} {options}", name.0));
        let taken = create(connection, &name.0, "mine", false);
        assert!(
            matches!(&taken, Err(RoleError::Taken(role)) if *role == name.0),
            "{options}: {taken:?}"
        );
        name.sign_in("theirs").unwrap();
        execute(connection, &format!("DROP ROLE {}", name.0));
    }
    let owner = TestRole::create(&name.1, "IN ROLE jeton_verifier");
    execute(
        connection,
        &format!("ALTER TABLE tokens OWNER TO {}", owner.name()),
    );
    let taken = create(connection, owner.name(), "mine", false);
    assert!(matches!(taken, Err(RoleError::Taken(_))), "{taken:?}");
    connect_to(owner.url());
}

#[test]
fn an_operator_who_may_not_create_roles_is_told_so() {
    let name = Name::new();
    let owner = TestRole::create(&name.1, "");
    let theirs = &mut connect_to(owner.url());
    let refused = create(theirs, &name.0, "mine", false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("the user {} may not create roles", owner.name())
    );
}
