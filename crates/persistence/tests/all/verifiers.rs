//! The list of verifiers: who is on it, who gets off it, and the nudge. What a renewal brings is in `renewals`.

use crate::logbook::setting;
use crate::support::{
    CLI, connect, constraint, create_user, database, execute, failing_at_commit, interleave, issue_this,
    new_token, text, xids,
};
use diesel::Connection;
use jeton_coherence::verifiers::{self, NotRenewed, Removal, Removed, Renewal, VerifierRow};
use jeton_coherence::{Snapshot, revocations};
use jeton_persistence::{DatabaseResult, PgConnection, tokens};
use jeton_proof_support::TestDatabase;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(10);
const DURABILITY: &str = "SELECT current_setting('synchronous_commit')";

/// As [`verifiers::renew`], over the connection that the verifier registered with.
pub(crate) fn renew(
    connection: &mut PgConnection,
    id: Uuid,
    applied: Snapshot,
) -> DatabaseResult<Result<Renewal, NotRenewed>> {
    let session = verifiers::session(connection)?;
    connection.wait(|c| verifiers::renew(c, id, session, applied, &[]))
}

/// As [`verifiers::remove_expired`], in the session in which the verifier was seen.
fn remove_expired(connection: &mut PgConnection, id: Uuid, version: i64) -> Removal {
    let session = verifiers::session(connection).unwrap();
    verifiers::remove_expired(connection, &[(id, version)], session).unwrap()
}

/// What [`remove_expired`] says of one that it takes off the list.
fn done(id: Uuid) -> Removal {
    let name = "a test's".to_owned();
    Removal::Done(vec![Removed { id, name }])
}

const NOT_DONE: Removal = Removal::Done(Vec::new());

/// One that remembers nothing yet: its id, and what it has applied.
pub(crate) fn register(connection: &mut PgConnection) -> (Uuid, Snapshot) {
    let id = Uuid::now_v7();
    let registered = connection
        .wait(|c| verifiers::register(c, id, None, "a test's", LEASE))
        .unwrap();
    (id, registered.applied)
}

/// The row of the only one.
pub(crate) fn only(connection: &mut PgConnection) -> VerifierRow {
    let mut rows = verifiers::list(connection).unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[test]
fn a_verifier_that_registers_is_on_the_list_and_has_applied_everything() {
    let (_database, mut connection, _) = setting();
    execute(&mut connection, "DELETE FROM tokens");
    let id = Uuid::now_v7();
    let lease = Duration::from_millis(1234);
    let registered = connection
        .wait(|c| verifiers::register(c, id, None, "shop[17]", lease))
        .unwrap();
    let row = only(&mut connection);
    assert_eq!((row.id, row.version, row.lease()), (id, 0, lease));
    assert_eq!(text(&mut connection, "SELECT name FROM verifiers"), "shop[17]");
    assert_eq!(row.applied, registered.applied);
    assert_eq!(
        registered.session,
        verifiers::session(&mut connection).unwrap(),
        "the one that serves the connection"
    );
    assert_eq!(xids(revocations::unapplied(&mut connection).unwrap()), []);
}

#[test]
fn a_new_life_takes_the_place_of_the_one_before() {
    let (_, connection) = &mut database();
    let (other, _) = register(connection);
    let (before, _) = register(connection);
    let id = Uuid::now_v7();
    connection
        .wait(|c| verifiers::register(c, id, Some(before), "again", LEASE))
        .unwrap();
    let ids: Vec<Uuid> = verifiers::list(connection)
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&other) && ids.contains(&id));

    // It may have been given up meanwhile.
    let next = Uuid::now_v7();
    connection
        .wait(|c| verifiers::register(c, next, Some(before), "again", LEASE))
        .unwrap();
    assert_eq!(verifiers::list(connection).unwrap().len(), 3);
}

/// If a crash could undo it, nobody would wait for a verifier that goes on.
#[test]
fn registering_waits_for_the_disk_and_renewing_does_not() {
    let database = TestDatabase::create();
    execute(
        &mut connect(&database),
        &format!("ALTER DATABASE {} SET synchronous_commit = off", database.name()),
    );
    let connection = &mut connect(&database);
    assert_eq!(text(connection, DURABILITY), "off");
    let registering = "SELECT jeton_register(gen_random_uuid(), NULL, 'seen', 10000)";
    execute(connection, &format!("BEGIN; {registering}"));
    assert_eq!(text(connection, DURABILITY), "on");
    execute(connection, "ROLLBACK");
    let (id, applied) = register(connection);
    assert_eq!(text(connection, DURABILITY), "off");

    execute(connection, "SET synchronous_commit = on");
    let renewed: DatabaseResult<()> = connection.transaction(|connection| {
        renew(connection, id, applied)?.unwrap();
        assert_eq!(text(connection, DURABILITY), "off");
        Ok(())
    });
    renewed.unwrap();
    assert_eq!(text(connection, DURABILITY), "on");
}

#[test]
fn a_lease_has_bounds() {
    let (_, connection) = &mut database();
    for lease in [
        Duration::ZERO,
        Duration::from_millis(99),
        Duration::from_millis(60_001),
        Duration::MAX,
    ] {
        let registered =
            connection.wait(async |c| verifiers::register(c, Uuid::now_v7(), None, "name", lease).await);
        assert_eq!(constraint(registered), "verifiers_lease_ms_check", "{lease:?}");
    }
    for lease in [Duration::from_millis(100), Duration::from_secs(60)] {
        connection
            .wait(async |c| verifiers::register(c, Uuid::now_v7(), None, "name", lease).await)
            .unwrap();
    }
}

#[test]
fn a_verifier_that_leaves_is_off_the_list() {
    let (_, connection) = &mut database();
    let (first, _) = register(connection);
    let (second, _) = register(connection);
    connection.wait(|c| verifiers::deregister(c, first)).unwrap();
    assert_eq!(only(connection).id, second);
    connection.wait(|c| verifiers::deregister(c, first)).unwrap();
    assert_eq!(only(connection).id, second);
}

#[test]
fn a_verifier_is_given_up_at_the_version_that_was_seen_and_no_other() {
    let (_, connection) = &mut database();
    let (other, _) = register(connection);
    let (id, applied) = register(connection);
    renew(connection, id, applied).unwrap().unwrap();
    for version in [0, 2] {
        assert_eq!(remove_expired(connection, id, version), NOT_DONE, "{version}");
    }
    assert_eq!(remove_expired(connection, Uuid::now_v7(), 1), NOT_DONE);
    assert_eq!(verifiers::list(connection).unwrap().len(), 2);
    assert_eq!(remove_expired(connection, id, 1), done(id));
    assert_eq!(remove_expired(connection, id, 1), NOT_DONE);
    assert_eq!(only(connection).id, other);
}

/// Between one session and the next, the server may have crashed, and a renewal been undone.
#[test]
fn a_verifier_is_given_up_only_in_the_session_in_which_it_was_seen() {
    let database = TestDatabase::create();
    let (connection, other) = (&mut connect(&database), &mut connect(&database));
    let (id, _) = register(connection);
    let session = verifiers::session(connection).unwrap();
    verifiers::session(other).unwrap();
    let moved = verifiers::remove_expired(other, &[(id, 0)], session).unwrap();
    // Another session, as far as anybody can tell, with the number of the process that the first one had.
    execute(connection, "RESET ALL");
    let reset = verifiers::remove_expired(connection, &[(id, 0)], session).unwrap();
    assert_eq!((moved, reset), (Removal::Moved, Removal::Moved));
    assert_ne!(verifiers::session(connection).unwrap(), session);
    let named = verifiers::remove_expired(connection, &[(id, 0)], session).unwrap();
    assert_eq!(named, Removal::Moved);
    assert_eq!(only(connection).id, id);
}

#[test]
fn a_verifier_that_renews_at_the_last_moment_is_not_given_up() {
    let (database, connection) = &mut database();
    let (id, applied) = register(connection);
    let (renewed, removed) = interleave(
        database,
        |c| renew(c, id, applied),
        |c| Ok(remove_expired(c, id, 0)),
    );
    assert!(renewed.is_ok());
    assert_eq!(removed.unwrap(), NOT_DONE);
    assert_eq!(only(connection).version, 1);
}

#[test]
fn a_verifier_that_is_being_given_up_does_not_renew() {
    let (database, connection) = &mut database();
    let (id, applied) = register(connection);
    let (removed, renewed) = interleave(
        database,
        |c| Ok(remove_expired(c, id, 0)),
        |c| renew(c, id, applied),
    );
    assert_eq!(removed, done(id));
    assert_eq!(renewed.unwrap().unwrap_err(), NotRenewed::Expired);
    assert_eq!(verifiers::list(connection).unwrap().len(), 0);
}

/// Whether a nudge has come; the answer to a ping comes after it.
fn is_nudged(connection: &mut PgConnection) -> bool {
    connection.ping().unwrap();
    let nudged = connection.wait(async |c| Ok(timeout(Duration::ZERO, verifiers::nudge_received(c)).await));
    nudged.unwrap().is_ok_and(|received| received.is_ok())
}

#[test]
fn a_nudge_reaches_who_listens() {
    let database = TestDatabase::create();
    let elsewhere = TestDatabase::create();
    let (nudger, stranger) = (&mut connect(&database), &mut connect(&elsewhere));
    let mut listeners = [connect(&database), connect(&database)];
    let deaf = &mut connect(&database);
    stranger.wait(verifiers::listen).unwrap();
    for listener in &mut listeners {
        listener.wait(verifiers::listen).unwrap();
        assert!(!is_nudged(listener));
    }
    for _ in 0..3 {
        verifiers::nudge(nudger, &[]).unwrap();
        for listener in &mut listeners {
            let said = listener.wait(verifiers::nudge_received).unwrap();
            assert_eq!(said, []);
            assert!(!is_nudged(listener), "it is told once");
        }
    }
    // It says what was revoked, of a few tokens; and anybody may say anything.
    let log = |count: u32| {
        format!(
            "INSERT INTO revocations (digest) SELECT sha256(n::text::bytea) FROM generate_series(1, {count}) AS n \
                UNION ALL SELECT ''"
        )
    };
    for (count, told) in [(2, 2), (1000, 120)] {
        let logged = revocations::revoking(nudger, |connection| {
            execute(connection, &log(count));
            Ok(())
        });
        verifiers::nudge(nudger, &xids(logged.unwrap())).unwrap();
        for listener in &mut listeners {
            let said = listener.wait(verifiers::nudge_received).unwrap();
            assert!(said.len() == told || said.len() == told - 1, "{}", said.len());
        }
    }
    execute(nudger, "NOTIFY jeton_revocations, 'hello'");
    for listener in &mut listeners {
        assert_eq!(listener.wait(verifiers::nudge_received).unwrap(), []);
    }
    // What had come would be there by now: an answer comes after it.
    for other in [deaf, stranger] {
        verifiers::session(other).unwrap();
        assert!(!is_nudged(other));
    }
}

/// Which is not waited for by way of anybody else: what is told is what the statement before it has revoked.
#[test]
fn a_logout_is_followed_by_a_nudge_that_names_the_token() {
    let (database, connection) = &mut database();
    let user = create_user(connection, "ada").id;
    let listener = &mut connect(database);
    listener.wait(verifiers::listen).unwrap();
    let mut log_out = |id| tokens::log_out(connection, &CLI, user, id, true).unwrap();
    let ids = [new_token(), new_token()].map(|token| {
        let id = issue_this(&mut connect(database), user, &token);
        assert!(log_out(id).is_nudged());
        let told = listener.wait(verifiers::nudge_received).unwrap();
        assert_eq!(told, [token.digest]);
        id
    });
    // What is gone already is waited for as all that some verifier has not applied: whoever waits tells them. Where that is
    // nothing, nobody is made to renew.
    assert!(!log_out(ids[0]).is_nudged());
    assert!(!is_nudged(listener));
}

/// Outside of a transaction, the answer comes before the commit.
#[test]
fn a_logout_that_could_not_be_committed_is_none() {
    let (_, connection) = &mut database();
    let user = create_user(connection, "ada").id;
    let id = issue_this(connection, user, &new_token());
    execute(connection, &failing_at_commit("DELETE", "tokens"));
    let failed = tokens::log_out(connection, &CLI, user, id, true);
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(text(connection, "SELECT count(*)::text FROM tokens"), "1");
    execute(connection, "DROP TRIGGER failing ON tokens");
    let (found, xids) = tokens::log_out(connection, &CLI, user, id, true)
        .unwrap()
        .into_unconfirmed();
    assert_eq!((found, xids.len()), (true, 1));
}
