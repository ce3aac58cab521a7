//! The service's own tables beside Jeton's: migrating, reverting, and starting without them.

use crate::support::{PROGRAM, database, migrate_notes};
use jeton_domain::{AuditContext, Password};
use jeton_persistence::roles::{self, RoleOptions};
use jeton_persistence::{PgConnection, migrations};
use jeton_proof_support::{
    ServiceProcess, TestDatabase, TestRole, connect, count, execute, may, may_not, revert_all, run, text,
    without_settings,
};
use jeton_resource_api::{DatabaseUrl, migrate};

fn revert(database: &TestDatabase) {
    let connection = &mut database.connect();
    execute(connection, "SET search_path = demo, public");
    revert_all(connection, "crates/resource-api/migrations").unwrap();
}

/// All that the service has.
fn tables(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables WHERE schemaname = 'demo'",
    )
}

/// Why the service does not start.
fn refusal(database_url: &str) -> String {
    let env = [("DATABASE_URL", database_url), ("NOTES_ADDR", "127.0.0.1:0")];
    let refused = ServiceProcess::try_start(PROGRAM, &env).unwrap_err();
    assert_eq!(refused.status.and_then(|status| status.code()), Some(1));
    refused.logs
}

#[test]
fn all_up_all_down_and_up_again() {
    let database = TestDatabase::create();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let connection = &mut database.connect();
    for _ in 0..2 {
        assert_eq!(migrate(&url, None).unwrap(), ["2026-11-28-130000_notes"]);
        assert_eq!(tables(connection), "__diesel_schema_migrations notes");
        assert_eq!(migrate(&url, None).unwrap(), [""; 0]);
        revert(&database);
        assert_eq!(tables(connection), "__diesel_schema_migrations");
    }
}

#[test]
fn migrations_of_the_demo_and_of_jeton_know_nothing_of_each_other() {
    let (database, connection) = &mut database();
    assert_eq!(migrations::apply(connection).unwrap(), [""; 0]);
    let shared = "demo.__diesel_schema_migrations JOIN public.__diesel_schema_migrations USING (version)";
    assert_eq!(count(connection, shared), 0);

    // What refers to users holds them.
    let held = revert_all(connection, "migrations").unwrap_err().to_string();
    assert!(held.contains("other objects depend on"), "{held}");
    migrations::apply(connection).unwrap();
    assert_eq!(count(connection, "demo.notes"), 0);

    revert(database);
    revert_all(connection, "migrations").unwrap();
    migrations::apply(connection).unwrap();
    migrate_notes(database.url());
}

#[test]
fn a_database_that_lacks_jetons_migrations_is_refused() {
    let database = TestDatabase::empty();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let refused = migrate(&url, None).unwrap_err().to_string();
    assert!(refused.contains("accounts"), "{refused}");
    assert!(refused.contains("run `jeton migrate` first"), "{refused}");
    assert_eq!(tables(&mut database.connect()), "");
    assert!(refusal(database.url()).contains("run `scripts/migrate` or `jeton migrate`"));
}

#[test]
fn a_service_that_lacks_its_tables_or_its_rights_does_not_start() {
    const SAID: &str = "run `jeton-resource-api migrate --grant ROLE`";
    let database = TestDatabase::create();
    assert!(refusal(database.url()).contains(SAID));
    migrate_notes(database.url());
    let role = TestRole::create(&database, "IN ROLE jeton_verifier");
    assert!(refusal(role.url()).contains(SAID));
    execute(
        &mut database.connect(),
        "DELETE FROM demo.__diesel_schema_migrations",
    );
    assert!(refusal(database.url()).contains(SAID));
}

/// As an operator sets it up.
#[test]
fn migrate_lets_a_role_keep_notes() {
    let (database, connection) = &mut jeton_proof_support::database();
    let name = format!("jeton_test_{}", uuid::Uuid::now_v7().simple());
    let (by, password) = (AuditContext::cli(), Password::new("sesame".to_owned()));
    roles::create(connection, &by, &name, &password, RoleOptions::default()).unwrap();
    let migrate = || {
        let mut migrate = without_settings(PROGRAM);
        migrate
            .args(["migrate", "--grant", &name])
            .env("DATABASE_URL", database.url());
        run(&mut migrate, "").ok()
    };
    let first = migrate();
    assert!(first.ends_with("applied 2026-11-28-130000_notes\n"), "{first}");
    assert_eq!(migrate(), "up to date\n");

    let (_, host) = database.url().split_once('@').unwrap();
    let theirs = format!("postgres://{name}:sesame@{host}");
    let env = [("DATABASE_URL", theirs.as_str()), ("NOTES_ADDR", "127.0.0.1:0")];
    drop(ServiceProcess::start(PROGRAM, &env));
    execute(connection, &format!("DROP ROLE {name}"));
}

/// The role is the server's, and may be there already: then nothing is to be created.
#[test]
fn migrate_needs_no_right_to_create_roles() {
    let database = TestDatabase::create();
    let owner = TestRole::create(&database, "");
    let connection = &mut database.connect();
    execute(
        connection,
        &format!(
            "GRANT CREATE ON DATABASE {0} TO {1}; GRANT REFERENCES (id) ON users TO {1}; \
            GRANT SELECT ON __diesel_schema_migrations TO {1}",
            database.name(),
            owner.name()
        ),
    );
    let url = DatabaseUrl::parse(owner.url()).unwrap();
    for _ in 0..2 {
        migrate(&url, None).unwrap();
    }
    execute(&mut connect(owner.url()), "SELECT * FROM demo.notes");
    execute(connection, "DROP SCHEMA demo CASCADE");
}

#[test]
fn the_demos_role_keeps_notes_and_nothing_else() {
    let (database, connection) = &mut database();
    let role = TestRole::create(database, "IN ROLE jeton_notes");
    let theirs = &mut connect(role.url());
    execute(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    for statement in [
        "INSERT INTO demo.notes (id, user_id, title, body)
            SELECT id, id, 't', 'b' FROM (VALUES (gen_random_uuid())) AS one (id) WHERE false",
        "SELECT * FROM demo.notes",
        "UPDATE demo.notes SET title = 't', body = 'b', updated_at = now()",
        "SELECT demo.delete_note(gen_random_uuid(), gen_random_uuid())",
    ] {
        may(theirs, statement);
    }
    for statement in [
        "UPDATE demo.notes SET user_id = gen_random_uuid()",
        "UPDATE demo.notes SET id = gen_random_uuid(), created_at = now()",
        "TRUNCATE demo.notes",
        // Deleting a user deletes from it, and would wait.
        "LOCK TABLE demo.notes IN SHARE MODE",
        "LOCK TABLE demo.notes IN ROW EXCLUSIVE MODE",
        "DELETE FROM demo.notes",
        "DROP TABLE demo.notes",
        "DELETE FROM demo.__diesel_schema_migrations",
        "SELECT id FROM public.users",
        "SELECT digest FROM public.tokens",
        "SELECT * FROM public.audit_events",
        "SELECT version FROM public.verifiers",
        "CREATE TABLE demo.mine ()",
        "CREATE TABLE public.mine ()",
    ] {
        may_not(theirs, statement);
    }
}
