//! What a subscription to another server's tables brings, fires triggers of rows alone.

use crate::support::{connect_to, count, create_user, execute, issue, wait_until};
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::PgConnection;
use jeton_proof_support::migrate;

/// Has the first database's users and tokens replicated to the second one.
fn replicate(from: &mut PgConnection, url: &str, to: &mut PgConnection) {
    execute(from, "CREATE PUBLICATION jeton FOR TABLE users, tokens");
    // Between databases of one server, the subscription would wait for itself if it made the slot.
    execute(
        from,
        "SELECT pg_create_logical_replication_slot('jeton', 'pgoutput')",
    );
    execute(
        to,
        &format!(
            "CREATE SUBSCRIPTION jeton CONNECTION '{url}' PUBLICATION jeton
                WITH (create_slot = false, slot_name = 'jeton', copy_data = false)"
        ),
    );
}

#[test]
fn revocations_by_another_server_are_logged() {
    let postgres = LocalPostgres::temporary().unwrap();
    let url = postgres.url();
    execute(&mut connect_to(&url), "ALTER SYSTEM SET wal_level = logical");
    postgres.stop().unwrap();
    postgres.start().unwrap();
    execute(&mut connect_to(&url), "CREATE DATABASE copy TEMPLATE template0");
    let copy_url = postgres.url_for("copy");
    migrate(&url);
    migrate(&copy_url);
    let (here, copy) = (&mut connect_to(&url), &mut connect_to(&copy_url));
    replicate(here, &url, copy);

    let ada = create_user(here, "ada").id;
    let bob = create_user(here, "bob").id;
    for user in [ada, ada, ada, bob] {
        issue(here, user);
    }
    wait_until("the tokens are replicated", || count(copy, "tokens") == 4);
    assert_eq!(count(copy, "revocations"), 0);
    let mut logs = |statement: &str, rows: i64| {
        execute(here, statement);
        // One transaction brings both.
        wait_until(statement, || count(copy, "revocations") > 0);
        assert_eq!(count(copy, "revocations"), rows, "{statement}");
        execute(copy, "DELETE FROM revocations");
    };
    logs("UPDATE users SET disabled_at = now() WHERE username = 'ada'", 3);
    logs(
        "UPDATE tokens SET scopes = '{}' WHERE id = (SELECT min(id::text)::uuid FROM tokens)",
        1,
    );
    logs(
        "DELETE FROM tokens WHERE id = (SELECT min(id::text)::uuid FROM tokens)",
        1,
    );
    logs("DELETE FROM users WHERE username = 'ada'", 2);
    logs("TRUNCATE tokens", 1);
    assert_eq!(count(copy, "tokens"), 0);
    execute(copy, "ALTER SUBSCRIPTION jeton DISABLE");
    execute(copy, "ALTER SUBSCRIPTION jeton SET (slot_name = NONE)");
    execute(copy, "DROP SUBSCRIPTION jeton");
}
