//! The log is written whoever revokes, and however the session is set.

use crate::logbook::{digest, log, logged_by, setting, token};
use crate::support::{CLI, connect_to, count, execute, interleave, issue_this, outcome, scopes, text};
use diesel::connection::SimpleConnection;
use jeton_coherence::lookups;
use jeton_domain::UserId;
use jeton_persistence::{DatabaseResult, PgConnection, users};
use jeton_proof_support::TestRole;

/// Restores set this, which turns ordinary triggers off, and foreign keys with them.
#[test]
fn triggers_write_the_log_in_a_session_that_replicates() {
    let (_, connection, _) = &mut setting();
    execute(connection, "SET session_replication_role = replica");
    for (statement, logged) in [
        ("DELETE FROM tokens WHERE name = 'a'", "a"),
        ("UPDATE tokens SET scopes = '{}' WHERE name = 'b'", "b"),
        ("UPDATE users SET disabled_at = now() WHERE username = 'bob'", "d"),
        ("TRUNCATE tokens", "*"),
        // The tokens stay, and belong to nobody.
        ("DELETE FROM users WHERE username = 'ada'", "abc"),
    ] {
        assert_eq!(logged_by(connection, statement), logged, "{statement}");
    }
}

/// The triggers write the log, and read the tokens, that they belong to, whatever else has that name.
#[test]
fn triggers_find_their_tables_whatever_the_session_calls_so() {
    let (_, connection, _) = &mut setting();
    execute(
        connection,
        "CREATE TEMPORARY TABLE revocations (LIKE public.revocations INCLUDING ALL);
        CREATE TEMPORARY TABLE tokens (LIKE public.tokens INCLUDING ALL);
        CREATE SCHEMA other;
        CREATE TABLE other.revocations (LIKE public.revocations INCLUDING ALL);
        CREATE TABLE other.tokens (LIKE public.tokens INCLUDING ALL);",
    );
    for (statement, logged) in [
        ("DELETE FROM public.tokens WHERE name = 'a'", 1),
        ("UPDATE public.users SET scopes = '{}' WHERE username = 'ada'", 3),
        ("SET LOCAL search_path = other; DELETE FROM public.tokens", 4),
        (
            "SET LOCAL search_path = other; UPDATE public.users SET disabled_at = now()",
            4,
        ),
    ] {
        execute(connection, &format!("BEGIN; {statement}"));
        let rows = count(connection, "public.revocations");
        execute(connection, "ROLLBACK");
        assert_eq!(rows, logged, "{statement}");
    }
}

#[test]
fn a_deletion_needs_no_right_on_the_log() {
    let (database, connection, _) = &mut setting();
    let role = TestRole::create(database, "");
    execute(
        connection,
        &format!(
            "GRANT USAGE ON SCHEMA public TO {0}; GRANT DELETE, SELECT (name) ON tokens TO {0}",
            role.name()
        ),
    );
    let theirs = &mut connect_to(role.url());
    assert!(theirs.batch_execute("DELETE FROM revocations").is_err());
    execute(theirs, "DELETE FROM tokens WHERE name = 'b'");
    assert_eq!(log(connection), "b");
}

/// A commit that a crash may undo would be one that some verifiers have applied, and others not.
#[test]
fn a_commit_that_revokes_waits_for_the_disk() {
    let (_, connection, _) = &mut setting();
    let setting = "SELECT current_setting('synchronous_commit')";
    for statement in [
        "DELETE FROM tokens WHERE name = 'a'",
        "UPDATE tokens SET scopes = '{}'",
        "UPDATE users SET scopes = '{}'",
        "DELETE FROM users WHERE username = 'bob'",
        "TRUNCATE tokens",
    ] {
        // What waits for more than the own disk goes on doing so.
        for (session, here) in [
            ("off", "on"),
            ("local", "on"),
            ("on", "on"),
            ("remote_write", "remote_write"),
            ("remote_apply", "remote_apply"),
        ] {
            execute(connection, &format!("SET synchronous_commit = {session}"));
            execute(connection, "BEGIN");
            assert_eq!(text(connection, setting), session);
            execute(connection, statement);
            assert_eq!(text(connection, setting), here, "{statement}");
            execute(connection, "ROLLBACK");
        }
    }
    execute(
        connection,
        "SET synchronous_commit = off; DELETE FROM tokens WHERE name = 'a'",
    );
    assert_eq!(text(connection, setting), "off", "and the session as it was");
}

type Act = fn(&mut PgConnection, UserId) -> DatabaseResult<()>;

/// The ways in which a token comes to a user; each gives the user the token n.
const ISSUES: [(&str, Act); 3] = [
    ("issue", |connection, user| {
        issue_this(connection, user, &token('n'));
        Ok(())
    }),
    ("insert", |connection, user| {
        let insert = format!(
            "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
                VALUES (gen_random_uuid(), '{user}', repeat('n', 32)::bytea, 'login', 'n', '{{notes:read}}')"
        );
        Ok(connection.batch_execute(&insert)?)
    }),
    ("move", |connection, user| {
        let update =
            format!("UPDATE tokens SET user_id = '{user}', digest = repeat('n', 32)::bytea WHERE name = 'a'");
        Ok(connection.batch_execute(&update)?)
    }),
];

/// Verifiers remember a token together with what its user may do.
#[test]
fn a_token_that_is_issued_while_its_user_changes_is_said_or_sees_the_change() {
    for (how, issue) in ISSUES {
        let (database, connection, users) = &mut setting();
        let (_, changed) = interleave(
            database,
            |c| issue(c, users.bob),
            |c| users::set_scopes(c, &CLI, users.bob, &scopes("")).map(outcome),
        );
        changed.unwrap();
        assert_eq!(log(connection).replace('a', ""), "dn", "{how} before the change");

        let (database, connection, users) = &mut setting();
        let (_, seen) = interleave(
            database,
            |c| users::set_scopes(c, &CLI, users.bob, &scopes("")).map(outcome),
            |c| {
                issue(c, users.bob)?;
                // From now on a verifier may see it.
                let (_, found) = c
                    .wait(async |c| lookups::find_valid(c, &[digest('n')]).await)?
                    .remove(0);
                Ok(found?.scopes)
            },
        );
        assert_eq!(seen.unwrap(), scopes(""), "{how} after the change");
        assert_eq!(log(connection).replace('a', ""), "d", "{how} after the change");
    }
}
