//! What a cleanup deletes, and what it leaves. Transactions of other tests keep rows of the log from being purged, since
//! their databases share the server: what goes, goes in time.

use crate::logbook::{log, setting};
use crate::support::{Cleaned, cleaned, connect, count, execute, text, wait_until};
use crate::verifiers::{register, renew};
use diesel::Connection;
use jeton_coherence::verifiers;
use jeton_persistence::PgConnection;
use jeton_persistence::cleanup::{Cleanup, Kind};

const FUTURE: &str = "INSERT INTO revocations (xid, digest) SELECT '9000000000000000', digest FROM tokens";

/// One step that nobody keeps from being done.
fn step(connection: &mut PgConnection) -> Cleaned {
    cleaned(&mut Cleanup::default(), connection)
}

/// Purges until the log is this.
fn cleanup_to(connection: &mut PgConnection, wanted: &str) {
    wait_until("the log is purged", || {
        step(connection);
        log(connection) == wanted
    });
}

#[test]
fn nothing_to_do_is_nothing_done() {
    let (_, connection, _) = &mut setting();
    register(connection);
    assert_eq!(step(connection), Cleaned::default());
    assert_eq!(count(connection, "tokens"), 4);
    assert_eq!(verifiers::list(connection).unwrap().len(), 1);
}

#[test]
fn expired_tokens_go_and_are_revoked_by_it() {
    let (_, connection, _) = &mut setting();
    register(connection);
    execute(
        connection,
        "UPDATE tokens SET expires_at = now() - interval '1 microsecond' WHERE name IN ('a', 'd');
        DELETE FROM revocations",
    );
    let purged = step(connection);
    assert_eq!((purged.tokens, purged.more), (2, false));
    assert_eq!(count(connection, "tokens WHERE name IN ('b', 'c')"), 2);
    assert_eq!(count(connection, "tokens"), 2);
    assert_eq!(log(connection), "ad");
    assert_eq!(step(connection).tokens, 0);
}

/// To the microsecond: a token whose time is exactly now is over.
#[test]
fn a_token_goes_at_its_expiry_not_before() {
    let (_, connection, _) = &mut setting();
    let purged = connection.transaction(|connection| {
        execute(
            connection,
            "UPDATE tokens SET expires_at = now() WHERE name = 'a';
            UPDATE tokens SET expires_at = now() + interval '1 microsecond' WHERE name = 'b'",
        );
        Cleanup::default().step(connection, Kind::ExpiredTokens)
    });
    assert_eq!(purged.unwrap().unwrap().rows, 1);
    assert_eq!(count(connection, "tokens WHERE name = 'a'"), 0);
}

#[test]
fn many_expired_tokens_go_batch_by_batch_the_oldest_first() {
    let (_, connection, users) = &mut setting();
    let many = format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at)
            SELECT gen_random_uuid(), '{}', sha256(n::text::bytea), 'login', 'old', '{{}}', now() - make_interval(secs => n)
            FROM generate_series(1, 1001) AS n",
        users.ada
    );
    execute(connection, &many);
    let first = step(connection);
    assert_eq!((first.tokens, first.more), (1000, true));
    let youngest = "tokens WHERE name = 'old' AND digest = sha256('1')";
    assert_eq!(count(connection, youngest), 1);
    let second = step(connection);
    assert_eq!(second.tokens, 1);
    assert_eq!(count(connection, "tokens"), 4);
}

/// Until whatever began before the last revocation has ended: nothing keeps the log but verifiers.
fn settle(connection: &mut PgConnection) {
    let open = "(SELECT xid AS last FROM revocations ORDER BY xid DESC LIMIT 1) AS log \
        WHERE last >= pg_snapshot_xmin(pg_current_snapshot())";
    wait_until("older transactions have ended", || count(connection, open) == 0);
}

#[test]
fn the_log_goes_once_every_verifier_has_applied_it() {
    let (_, connection, _) = &mut setting();
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    settle(connection);
    let (idle, idle_applied) = register(connection);
    let (busy, mut busy_applied) = register(connection);
    execute(connection, "DELETE FROM tokens WHERE name = 'b'");
    settle(connection);
    let mut renew_and_purge_to = |connection: &mut PgConnection, wanted: &str| {
        wait_until("the log is purged", || {
            let renewed = renew(connection, busy, busy_applied.clone()).unwrap();
            busy_applied = renewed.unwrap().snapshot;
            step(connection);
            log(connection) == wanted
        });
    };
    // As far as the one that has read nothing since it registered.
    renew_and_purge_to(connection, "b");
    let read = renew(connection, idle, idle_applied).unwrap().unwrap().snapshot;
    step(connection);
    assert_eq!(log(connection), "b", "read, and not said to be forgotten");
    renew(connection, idle, read).unwrap().unwrap();
    renew_and_purge_to(connection, "");

    // One that has left is not waited for, and one that comes later remembers nothing from before.
    execute(connection, "DELETE FROM tokens WHERE name = 'c'");
    settle(connection);
    register(connection);
    verifiers::deregister(connection, idle).unwrap();
    renew_and_purge_to(connection, "");
}

#[test]
fn the_log_goes_without_verifiers() {
    let (_, connection, _) = &mut setting();
    execute(connection, "DELETE FROM tokens");
    cleanup_to(connection, "");
}

/// Whoever began before and is at it still may be one that a verifier's next snapshot does not see.
#[test]
fn the_log_stays_while_a_transaction_from_before_it_is_open() {
    let (database, connection, _) = &mut setting();
    let open = &mut connect(database);
    execute(open, "BEGIN; SELECT pg_current_xact_id()");
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    for _ in 0..3 {
        assert_eq!(step(connection).revocations, 0);
    }
    assert_eq!(log(connection), "a");
    execute(open, "COMMIT");
    cleanup_to(connection, "");
}

#[test]
fn a_long_log_goes_batch_by_batch() {
    let (_, connection, _) = &mut setting();
    let many =
        "INSERT INTO revocations (digest) SELECT sha256(n::text::bytea) FROM generate_series(1, 1001) AS n";
    execute(connection, many);
    let mut steps = Vec::new();
    wait_until("the log is purged", || {
        steps.push(step(connection));
        count(connection, "revocations") == 0
    });
    let deleting: Vec<(usize, bool)> = steps
        .iter()
        .filter(|step| step.revocations > 0)
        .map(|step| (step.revocations, step.more))
        .collect();
    assert_eq!(deleting, [(1000, true), (1, false)]);
}

/// What an old transaction, or a verifier that is behind, keeps from being deleted is not read again with every step.
#[test]
fn a_long_log_that_has_to_stay_costs_nothing() {
    let (database, connection, _) = &mut setting();
    let open = &mut connect(database);
    for keep in ["BEGIN; SELECT pg_current_xact_id()", "ROLLBACK"] {
        execute(open, keep);
        register(connection);
        execute(
            connection,
            "DO $$ BEGIN FOR n IN 1..2000 LOOP
                INSERT INTO revocations (digest) VALUES (sha256(random()::text::bytea)); COMMIT; END LOOP; END $$",
        );
        execute(connection, "ANALYZE revocations");
        let read =
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'revocations'";
        let read = connection.transaction(|connection| {
            // As the plan is where the log is long.
            execute(connection, "SET LOCAL enable_seqscan = off");
            let before: i64 = text(connection, read).parse().unwrap();
            let purged = Cleanup::default().step(connection, Kind::Revocations)?;
            assert_eq!(purged.unwrap().rows, 0);
            jeton_persistence::DatabaseResult::Ok(text(connection, read).parse::<i64>().unwrap() - before)
        });
        let read = read.unwrap();
        assert!(read < 10, "{keep}: {read} rows were read");
    }
}

/// A restored dump has them. The server will come to these numbers one day, and they mean nothing then.
#[test]
fn rows_of_the_future_go_at_once() {
    let (database, connection, _) = &mut setting();
    register(connection);
    let open = &mut connect(database);
    execute(open, "BEGIN; SELECT pg_current_xact_id()");
    execute(
        connection,
        &format!("DELETE FROM tokens WHERE name = 'a'; {FUTURE}"),
    );
    assert_eq!(log(connection), "abcd");
    assert_eq!(step(connection).revocations, 3);
    assert_eq!(log(connection), "a");
}
