//! What a renewal brings: everything that was revoked since the one before, and nothing twice.

use crate::logbook::{digest, setting};
use crate::support::{connect, database, execute, failing_at_commit, text, xids};
use crate::verifiers::{only, register};
use jeton_coherence::revocations::Revoked;
use jeton_coherence::verifiers::{self, NotRenewed, Renewal};
use jeton_coherence::{PLAN_ONCE, Snapshot, Xid, revocations};
use jeton_domain::TokenDigest;
use jeton_persistence::{DatabaseError, PgConnection};
use uuid::Uuid;

fn renew(connection: &mut PgConnection, id: Uuid, applied: &Snapshot) -> Renewal {
    crate::verifiers::renew(connection, id, applied.clone())
        .unwrap()
        .unwrap()
}

/// The letters of the tokens that are to be forgotten, in order.
fn letters(renewal: &Renewal) -> String {
    let Revoked::These(digests) = &renewal.revoked else {
        panic!("{renewal:?}");
    };
    let mut letters: Vec<char> = ('a'..='d')
        .flat_map(|letter| vec![letter; digests.iter().filter(|one| **one == digest(letter)).count()])
        .collect();
    assert_eq!(letters.len(), digests.len(), "{renewal:?}");
    assert_eq!(renewal.revoked.is_empty(), digests.is_empty());
    letters.sort_unstable();
    letters.into_iter().collect()
}

#[test]
fn a_renewal_brings_what_was_revoked_since_and_nothing_twice() {
    let (_, connection, _) = &mut setting();
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    let (id, registered) = register(connection);
    let first = renew(connection, id, &registered);
    assert_eq!(letters(&first), "", "what was revoked before is not remembered");

    execute(connection, "DELETE FROM tokens WHERE name = 'b'");
    execute(connection, "UPDATE tokens SET scopes = '{}' WHERE name = 'c'");
    execute(connection, "DELETE FROM tokens WHERE name = 'c'");
    let second = renew(connection, id, &first.snapshot);
    assert_eq!(letters(&second), "bcc");
    let third = renew(connection, id, &second.snapshot);
    assert_eq!(letters(&third), "");
}

/// Whoever could say that something else is applied could keep the log from being purged, and everybody waiting.
#[test]
fn what_is_applied_is_what_the_last_renewal_has_told() {
    let (_, connection, _) = &mut setting();
    let (id, registered) = register(connection);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    let first = renew(connection, id, &registered);
    let before = only(connection);
    let long_ago = Snapshot::new(Xid(3), Xid(3), []);
    let long = Snapshot::new(Xid(3), Xid(1_000_000), (3..1_000_000).map(Xid));
    let ahead = Snapshot::new(Xid(9_000_000_000), Xid(9_000_000_000), []);
    for other in [registered, long_ago, long, ahead] {
        let renewed = crate::verifiers::renew(connection, id, other).unwrap();
        assert_eq!(renewed.unwrap_err(), NotRenewed::Expired);
        let row = only(connection);
        assert_eq!(
            (row.version, row.applied),
            (before.version, before.applied.clone())
        );
    }
    // Nor does it hear anything twice: one whose answer was lost begins anew.
    assert_eq!(letters(&renew(connection, id, &first.snapshot)), "");
}

#[test]
fn the_row_says_what_was_applied_not_what_is_being_read() {
    let (_, connection, _) = &mut setting();
    let (id, registered) = register(connection);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    let first = renew(connection, id, &registered);
    let row = only(connection);
    assert_eq!((row.version, &row.applied), (1, &registered));
    assert_ne!(first.snapshot, registered);
    let of_a = xids(revocations::of_token(connection, digest('a')).unwrap());
    assert!(!row.applied.sees(of_a[0]) && first.snapshot.sees(of_a[0]));

    // With nothing to forget, there is nothing to wait for.
    let second = renew(connection, id, &first.snapshot);
    let row = only(connection);
    assert_eq!((row.version, &row.applied), (2, &second.snapshot));
}

/// What is dropped is not remembered until the renewal is answered, so it does not matter when it was revoked.
#[test]
fn a_renewal_applies_at_once_what_it_says_was_dropped() {
    let (_, connection, _) = &mut setting();
    let (id, registered) = register(connection);
    let session = verifiers::session(connection).unwrap();
    let renew = |connection: &mut PgConnection, applied: &Snapshot, dropped: &str| {
        let dropped: Vec<_> = dropped.chars().map(digest).collect();
        let renewed =
            connection.wait(async |c| verifiers::renew(c, id, session, applied.clone(), &dropped).await);
        renewed.unwrap().unwrap()
    };
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    execute(connection, "DELETE FROM tokens WHERE name IN ('b', 'c')");
    let before = only(connection).applied;
    let read = renew(connection, &registered, "ab");
    assert_eq!(letters(&read), "abc", "there is more");
    assert_eq!(only(connection).applied, before);

    execute(connection, "DELETE FROM tokens WHERE name = 'd'");
    let at_once = renew(connection, &read.snapshot, "bdd");
    assert_eq!(letters(&at_once), "");
    assert_eq!(only(connection).applied, at_once.snapshot);
    // It was dropped for that one renewal.
    execute(
        connection,
        "INSERT INTO revocations (digest) SELECT digest FROM revocations LIMIT 1",
    );
    let again = renew(connection, &at_once.snapshot, "");
    assert!(!again.revoked.is_empty());
    assert_eq!(only(connection).applied, at_once.snapshot);
    // Everything is no token that could be dropped.
    execute(connection, "TRUNCATE tokens");
    assert_eq!(
        renew(connection, &again.snapshot, "abcd").revoked,
        Revoked::Everything
    );
    assert_eq!(only(connection).applied, again.snapshot);
}

/// A number is not an order: what began earlier may be committed later.
#[test]
fn a_transaction_that_began_earlier_and_commits_later_is_not_missed() {
    let (database, connection, _) = &mut setting();
    let (id, registered) = register(connection);
    let (early, late) = (&mut connect(database), &mut connect(database));
    execute(early, "BEGIN; DELETE FROM tokens WHERE name = 'a'");
    execute(late, "BEGIN; DELETE FROM tokens WHERE name = 'b'");
    execute(late, "COMMIT");
    let first = renew(connection, id, &registered);
    assert_eq!(letters(&first), "b");
    let second = renew(connection, id, &first.snapshot);
    assert_eq!(letters(&second), "");
    execute(early, "COMMIT");
    let third = renew(connection, id, &second.snapshot);
    assert_eq!(letters(&third), "a");
    let fourth = renew(connection, id, &third.snapshot);
    assert_eq!(letters(&fourth), "");
}

#[test]
fn a_verifier_that_was_given_up_hears_so_and_is_not_on_the_list_again() {
    let (_, connection, _) = &mut setting();
    let (id, applied) = register(connection);
    connection.wait(|c| verifiers::deregister(c, id)).unwrap();
    execute(connection, "DELETE FROM tokens");
    for _ in 0..2 {
        let renewed = crate::verifiers::renew(connection, id, applied.clone()).unwrap();
        assert_eq!(renewed.unwrap_err(), NotRenewed::Expired);
        assert_eq!(verifiers::list(connection).unwrap().len(), 0);
    }
}

/// The server may have crashed and come back behind a pool. Nothing is written, and nothing read is of use.
#[test]
fn a_verifier_renews_in_the_session_that_it_registered_in() {
    let (database, connection, _) = &mut setting();
    let other = &mut connect(database);
    let (id, applied) = register(connection);
    let session = verifiers::session(connection).unwrap();
    verifiers::session(other).unwrap();
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    let renew_in = |connection: &mut PgConnection| {
        let renewed = connection.wait(async |c| verifiers::renew(c, id, session, applied.clone(), &[]).await);
        renewed.unwrap()
    };
    assert_eq!(renew_in(other).unwrap_err(), NotRenewed::Moved);
    let row = only(connection);
    assert_eq!((row.version, &row.applied), (0, &applied));
    assert_eq!(letters(&renew_in(connection).unwrap()), "a");
    // Another session, as far as anybody can tell, with the number of the process that the first one had.
    execute(connection, "RESET ALL");
    assert_eq!(renew_in(connection).unwrap_err(), NotRenewed::Moved);
    verifiers::session(connection).unwrap();
    assert_eq!(renew_in(connection).unwrap_err(), NotRenewed::Moved);
    assert_eq!(only(connection).version, 1);
}

/// What was logged since it began, and has been applied, is not read again and again.
#[test]
fn an_old_transaction_that_is_open_does_not_make_renewals_long() {
    let (database, connection, _) = &mut setting();
    let (old, open) = (&mut connect(database), &mut connect(database));
    // The plan is kept that is made here, of an empty log.
    execute(connection, PLAN_ONCE);
    let (first, registered) = register(connection);
    renew(connection, first, &registered);
    execute(connection, "DELETE FROM verifiers");
    execute(old, "BEGIN; DELETE FROM tokens WHERE name = 'a'");
    // A transaction each.
    execute(
        connection,
        "DO $$ BEGIN FOR n IN 1..2000 LOOP
            INSERT INTO revocations (digest) VALUES (sha256(n::text::bytea)); COMMIT; END LOOP; END $$",
    );
    execute(open, "BEGIN; DELETE FROM tokens WHERE name = 'b'");
    let (id, registered) = register(connection);
    execute(connection, "DELETE FROM tokens WHERE name = 'c'");
    let applied = renew(connection, id, &registered).snapshot;
    execute(old, "COMMIT");
    execute(connection, "DELETE FROM tokens WHERE name = 'd'");
    execute(connection, "BEGIN");
    let read =
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'revocations'";
    let read_so_far = |connection: &mut PgConnection| text(connection, read).parse::<i64>().unwrap();
    let before = read_so_far(connection);
    let renewal = renew(connection, id, &applied);
    assert_eq!(letters(&renewal), "ad");
    let read = read_so_far(connection) - before;
    assert!(read < 100, "{read} rows of 2,000 were read");
    assert_eq!(xids(revocations::unapplied(connection).unwrap()).len(), 2);
    execute(connection, "COMMIT");
    execute(open, "COMMIT");
    assert_eq!(letters(&renew(connection, id, &renewal.snapshot)), "b");
}

#[test]
fn each_verifier_has_an_account_of_its_own() {
    let (_, connection, _) = &mut setting();
    let (ahead, ahead_applied) = register(connection);
    let (behind, behind_applied) = register(connection);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    let first = renew(connection, ahead, &ahead_applied);
    assert_eq!(letters(&first), "a");
    execute(connection, "DELETE FROM tokens WHERE name = 'b'");
    assert_eq!(letters(&renew(connection, ahead, &first.snapshot)), "b");
    assert_eq!(letters(&renew(connection, behind, &behind_applied)), "ab");
}

#[test]
fn the_row_for_every_token_means_everything() {
    for statement in ["TRUNCATE tokens", "DELETE FROM tokens; TRUNCATE tokens"] {
        let (_, connection, _) = &mut setting();
        let (id, registered) = register(connection);
        execute(connection, statement);
        let renewal = renew(connection, id, &registered);
        assert_eq!(renewal.revoked, Revoked::Everything, "{statement}");
        assert!(!renewal.revoked.is_empty());
    }
}

#[test]
fn too_many_to_tell_means_everything() {
    let (_, connection) = &mut database();
    let (id, registered) = register(connection);
    let (other, other_registered) = register(connection);
    let fill = |connection: &mut PgConnection, from: i32, to: i32| {
        let fill = format!(
            "INSERT INTO revocations (digest)
                SELECT sha256(n::text::bytea) FROM generate_series({from}, {to}) AS n"
        );
        execute(connection, &fill);
    };
    fill(connection, 1, 20_000);
    let full = renew(connection, id, &registered);
    let Revoked::These(digests) = &full.revoked else {
        panic!("everything, of 20,000");
    };
    assert_eq!(digests.len(), 20_000);
    fill(connection, 20_001, 20_001);
    let everything = renew(connection, other, &other_registered);
    assert_eq!(everything.revoked, Revoked::Everything);
    // Once it is forgotten, what comes then can be told again.
    let Revoked::These(digests) = &renew(connection, id, &full.snapshot).revoked else {
        panic!("everything, of one");
    };
    assert_eq!(digests.len(), 1);
}

/// However much of what could be told was dropped: the rest was not read.
#[test]
fn what_is_not_told_is_not_taken_for_dropped() {
    let (_, connection) = &mut database();
    let (id, registered) = register(connection);
    let session = verifiers::session(connection).unwrap();
    let log = |connection: &mut PgConnection, from: i32, to: i32| {
        let log = format!(
            "INSERT INTO revocations (digest) SELECT decode(lpad(to_hex(n), 64, '0'), 'hex') \
                FROM generate_series({from}, {to}) AS n"
        );
        execute(connection, &log);
    };
    log(connection, 1, 20_001);
    log(connection, 20_002, 20_002);
    let dropped: Vec<TokenDigest> = (1..=20_001_u32)
        .map(|n| {
            let mut digest = [0; 32];
            digest[28..].copy_from_slice(&n.to_be_bytes());
            TokenDigest::from(digest)
        })
        .collect();
    let renewed =
        connection.wait(async |c| verifiers::renew(c, id, session, registered.clone(), &dropped).await);
    let renewed = renewed.unwrap().unwrap();
    assert_eq!(renewed.revoked, Revoked::Everything);
    assert_eq!(only(connection).applied, registered);
}

/// What is renewed outside of a transaction is committed after the answer has been sent.
#[test]
fn a_renewal_that_could_not_be_committed_is_none() {
    let (_, connection) = &mut database();
    let (id, registered) = register(connection);
    execute(connection, &failing_at_commit("UPDATE", "verifiers"));
    let failed = crate::verifiers::renew(connection, id, registered.clone());
    assert!(matches!(failed, Err(DatabaseError::Query(_))), "{failed:?}");
    assert_eq!(only(connection).version, 0);
    execute(connection, "DROP TRIGGER failing ON verifiers");
    renew(connection, id, &registered);
}

/// A dump has rows of another server's, whose numbers this one has not come to. No snapshot sees them.
#[test]
fn rows_of_the_future_are_none() {
    let (_, connection, _) = &mut setting();
    let (id, registered) = register(connection);
    execute(
        connection,
        "INSERT INTO revocations (xid, digest) SELECT future::text::xid8, digest
            FROM tokens, unnest(ARRAY[9000000000000000, 9000000000000001]) AS future",
    );
    let first = renew(connection, id, &registered);
    assert_eq!(letters(&first), "");
    assert_eq!(xids(revocations::unapplied(connection).unwrap()), []);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    assert_eq!(letters(&renew(connection, id, &first.snapshot)), "a");
    assert_eq!(xids(revocations::unapplied(connection).unwrap()).len(), 1);
    let of_a = xids(revocations::of_token(connection, digest('a')).unwrap());
    assert_eq!(of_a.len(), 1, "nobody could wait for those");
    let of_b = xids(revocations::of_token(connection, digest('b')).unwrap());
    assert_eq!(of_b, []);
}
