//! What a cleanup deletes, and what it leaves. Transactions of other tests keep rows of the log from being purged, since
//! their databases share the server: what goes, goes in time.

use crate::logbook::{log, setting};
use crate::support::{Cleaned, cleaned, connect, count, execute, text, wait_until};
use crate::verifiers::{register, renew};
use diesel::Connection;
use jeton_coherence::verifiers;
use jeton_persistence::PgConnection;
use jeton_persistence::cleanup::{Cleanup, Kind};
use std::time::Duration;

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
    connection.wait(|c| verifiers::deregister(c, idle)).unwrap();
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

const EVERYTHING: [&str; 5] = [
    "tokens",
    "account_attempts",
    "network_attempts",
    "audit_events",
    "token_uses",
];

/// A server whose clock jumps ahead finds everything expired. The test moves everything else back instead.
fn jump_ahead(connection: &mut PgConnection, time: &str) {
    let past = |columns: &str| {
        let moved = columns
            .split(' ')
            .map(|column| format!("{column} = {column} - interval '{time}'"));
        moved.collect::<Vec<_>>().join(", ")
    };
    for (table, columns) in [
        ("tokens", "created_at expires_at"),
        ("token_uses", "last_used_at"),
        ("account_attempts", "last_at"),
        ("network_attempts", "last_at"),
        ("audit_events", "at"),
        ("cleanup_clock", "shows checked_at"),
    ] {
        execute(connection, &format!("UPDATE {table} SET {}", past(columns)));
    }
}

fn counts(connection: &mut PgConnection) -> Vec<i64> {
    EVERYTHING.iter().map(|table| count(connection, table)).collect()
}

/// Whether a cleanup deletes nothing, but from the log of revocations, which knows no time.
fn deletes_nothing(connection: &mut PgConnection) -> bool {
    let mut cleanup = Cleanup::new(Some(Duration::from_secs(8 * 86_400)));
    let cleaned = cleaned(&mut cleanup, connection);
    let nothing = Cleaned {
        revocations: cleaned.revocations,
        ..Cleaned::default()
    };
    cleaned == nothing
}

/// With a row of every kind that an age ends: the tokens by their expiry, and by their idle time.
fn with_everything(connection: &mut PgConnection) {
    execute(
        connection,
        "UPDATE tokens SET expires_at = now() + interval '30 days' WHERE name IN ('a', 'b');
        UPDATE tokens SET idle_ttl_secs = 3600 WHERE name IN ('c', 'd');
        INSERT INTO token_uses SELECT id, now() FROM tokens;
        INSERT INTO account_attempts (account, network, failures, blocked_until, last_at)
            VALUES (sha256('ada'), '0.0.0.0/0', 3, 'epoch', now()), (sha256('ada'), '203.0.113.9', 0, 'epoch', now());
        INSERT INTO network_attempts (network, failures, last_at) VALUES ('203.0.113.9', 3, now());
        INSERT INTO audit_events (id, action, actor_label) VALUES (gen_random_uuid(), 'logout', 'cli')",
    );
}

#[test]
fn a_clock_that_jumps_ahead_deletes_nothing_at_once() {
    for time in ["2 hours", "1 year", "100 years"] {
        let (_database, mut connection, _) = setting();
        let connection = &mut connection;
        with_everything(connection);
        assert!(deletes_nothing(connection));
        let before = counts(connection);
        if time == "100 years" {
            // Times before 1970 are none.
            execute(
                connection,
                "ALTER TABLE tokens DROP CONSTRAINT tokens_created_at_check, DROP CONSTRAINT tokens_expires_at_check;
                ALTER TABLE token_uses DROP CONSTRAINT token_uses_last_used_at_check;
                ALTER TABLE audit_events DROP CONSTRAINT audit_events_at_check;
                ALTER TABLE account_attempts DROP CONSTRAINT account_attempts_times_check;
                ALTER TABLE network_attempts DROP CONSTRAINT network_attempts_times_check;
                ALTER TABLE cleanup_clock DROP CONSTRAINT cleanup_clock_times_check",
            );
        }
        jump_ahead(connection, time);
        for _ in 0..5 {
            assert!(deletes_nothing(connection), "{time}");
        }
        assert_eq!(counts(connection), before, "{time}");
        // And back: nothing is lost, and the cleanup goes by the right time again.
        jump_ahead(connection, &format!("-{time}"));
        assert!(deletes_nothing(connection), "{time}");
        let behind = "cleanup_clock WHERE now() - shows > interval '1 minute'";
        assert_eq!(
            (counts(connection), count(connection, behind)),
            (before, 0),
            "{time}"
        );
    }
}

/// Time is believed two minutes at a time, and the cleanup moves on by twice as much: an hour takes a half.
#[test]
fn the_cleanup_follows_a_clock_that_stays_ahead_little_by_little() {
    let (_database, mut connection, _) = setting();
    let connection = &mut connection;
    with_everything(connection);
    step(connection);
    let behind = "SELECT round(extract(epoch FROM now() - shows) / 60) FROM cleanup_clock";
    execute(
        connection,
        "UPDATE cleanup_clock SET shows = shows - interval '1 hour'",
    );
    let mut minutes = Vec::new();
    for _ in 0..31 {
        execute(
            connection,
            "UPDATE cleanup_clock SET shows = shows - interval '1 minute', \
            checked_at = checked_at - interval '1 minute'",
        );
        Cleanup::default().step(connection, Kind::Uses).unwrap();
        minutes.push(text(connection, behind).parse::<i64>().unwrap());
    }
    assert_eq!(minutes[..3], [59, 58, 57]);
    // A process that has not looked for a year believes no more.
    execute(
        connection,
        "UPDATE cleanup_clock SET shows = now() - interval '1 year', checked_at = now() - interval '1 year'",
    );
    let behind_secs = Cleanup::default()
        .step(connection, Kind::Uses)
        .unwrap()
        .unwrap()
        .behind
        .as_secs();
    assert!(
        (364 * 86_400..366 * 86_400).contains(&behind_secs),
        "{behind_secs}"
    );
    // The operator knows better.
    execute(connection, "DELETE FROM cleanup_clock");
    let now = Cleanup::default().step(connection, Kind::Uses).unwrap().unwrap();
    assert_eq!(now.behind, Duration::ZERO);
}
