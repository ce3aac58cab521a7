//! What must be waited for before a revocation is acknowledged.

use crate::logbook::{digest, id_of, log, logged_by, setting, token};
use crate::support::{CLI, connect, create_user, execute, interleave, issue_this, outcome, scopes, xids};
use crate::verifiers::register;
use diesel::connection::SimpleConnection;
use jeton_coherence::revocations::{of_token, revoking, unapplied};
use jeton_coherence::{Snapshot, Xid};
use jeton_domain::{ClientId, TokenId, TokenName, UserId};
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::delegation::clients;
use jeton_persistence::{DatabaseError, DatabaseResult, Pending, PgConnection, tokens, users};
use jeton_proof_support::{count, migrate, wait_until};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use uuid::Uuid;

/// The one transaction.
fn only(xids: &[Xid]) -> Xid {
    assert_eq!(xids.len(), 1, "{xids:?}");
    xids[0]
}

fn unapplied_xids(connection: &mut PgConnection) -> Vec<Xid> {
    xids(unapplied(connection).unwrap())
}

fn xids_of_token(connection: &mut PgConnection, letter: char) -> Vec<Xid> {
    xids(of_token(connection, digest(letter)).unwrap())
}

/// Lets a verifier apply all that there is, and say so.
fn catch_up(connection: &mut PgConnection, id: Uuid, applied: Snapshot) -> Snapshot {
    let mut renew = |applied| {
        crate::verifiers::renew(connection, id, applied)
            .unwrap()
            .unwrap()
            .snapshot
    };
    let read = renew(applied);
    renew(read)
}

#[test]
fn an_act_that_revokes_waits_for_its_own_transaction() {
    let (_, connection, users) = &mut setting();
    register(connection);
    let a = id_of(connection, 'a');
    let of_a = tokens::revoke(connection, &CLI, users.ada, a).unwrap();
    let (revoked, of_a) = of_a.into_unconfirmed();
    assert!(revoked);
    assert_eq!(of_a, xids_of_token(connection, 'a'));
    // Not for what others have revoked and some have not applied yet.
    let of_rest = tokens::revoke_all(connection, &CLI, users.ada).unwrap();
    let (revoked, of_rest) = of_rest.into_unconfirmed();
    assert_eq!(revoked, 2);
    assert_ne!(only(&of_rest), only(&of_a));
    assert_eq!(of_rest, xids_of_token(connection, 'b'));
    let of_bob = xids(users::set_scopes(connection, &CLI, users.bob, &scopes("")).unwrap());
    assert_ne!(only(&of_bob), only(&of_rest));
    // It is in the log, and was not revoked.
    let of_d = xids_of_token(connection, 'd');
    assert_eq!(of_d, []);
}

/// A second attempt finds nothing to revoke: the first may not have reached every verifier.
#[test]
fn an_act_that_revokes_nothing_waits_for_all_that_stands() {
    let (_, connection, users) = &mut setting();
    let (id, applied) = register(connection);
    let (a, d) = (id_of(connection, 'a'), id_of(connection, 'd'));
    let of_a = xids(tokens::revoke(connection, &CLI, users.ada, a).unwrap());
    let again = tokens::revoke(connection, &CLI, users.ada, a).unwrap();
    let (again, stands) = again.into_unconfirmed();
    assert!(!again);
    assert_eq!(stands, of_a);

    let of_d = xids(tokens::revoke(connection, &CLI, users.bob, d).unwrap());
    let stands = xids(tokens::revoke(connection, &CLI, users.ada, a).unwrap());
    assert_eq!(stands, [only(&of_a), only(&of_d)]);
    assert_eq!(unapplied_xids(connection).len(), 2);

    catch_up(connection, id, applied);
    let stands = xids(tokens::revoke(connection, &CLI, users.ada, a).unwrap());
    assert_eq!(stands, []);
}

/// Every act that may revoke says so, though the log was not written in it.
#[test]
fn an_act_that_finds_nothing_to_do_waits_for_all_that_stands() {
    let (_, connection, users) = &mut setting();
    register(connection);
    let a = id_of(connection, 'a');
    let first = xids(users::disable(connection, &CLI, users.ada).unwrap());
    let second = xids(users::disable(connection, &CLI, users.ada).unwrap());
    assert_eq!(second, first);
    let same =
        xids(users::set_scopes(connection, &CLI, users.ada, &scopes("notes:read notes:write")).unwrap());
    assert_eq!(same, first);
    execute(connection, "DELETE FROM users WHERE username = 'ada'");
    let stands = unapplied_xids(connection);
    assert_eq!(stands.len(), 2);
    let acts = [
        xids(users::delete(connection, &CLI, users.ada).unwrap()),
        xids(users::disable(connection, &CLI, users.ada).unwrap()),
        xids(tokens::revoke_all(connection, &CLI, users.ada).unwrap()),
        xids(tokens::revoke_by_operator(connection, &CLI, a).unwrap()),
    ];
    for act in acts {
        assert_eq!(act, stands);
    }
}

/// A transaction has a number once it writes anything.
#[test]
fn other_writing_is_no_revocation() {
    let (_, connection, users) = &mut setting();
    register(connection);
    let a = id_of(connection, 'a');
    let rename = |connection: &mut PgConnection| {
        let renamed = revoking(connection, |connection| {
            tokens::rename(
                connection,
                &CLI,
                users.ada,
                a,
                &TokenName::parse("phone").unwrap(),
            )
        })
        .unwrap();
        let (renamed, xids) = renamed.into_unconfirmed();
        assert!(renamed.is_some());
        xids
    };
    assert_eq!(rename(connection), []);
    let of_bob = xids(users::disable(connection, &CLI, users.bob).unwrap());
    assert_eq!(rename(connection), of_bob);
}

#[test]
fn work_that_fails_revokes_nothing() {
    let (_, connection, _) = &mut setting();
    let failed: DatabaseResult<Pending<()>> = revoking(connection, |connection| {
        connection.batch_execute("DELETE FROM tokens")?;
        Err(DatabaseError::Unavailable("on purpose".to_owned()))
    });
    assert!(
        matches!(&failed, Err(DatabaseError::Unavailable(why)) if why == "on purpose"),
        "{failed:?}"
    );
    assert_eq!(log(connection), "");
    assert_eq!(logged_by(connection, "DELETE FROM tokens"), "abcd");
}

#[test]
fn unapplied_revocations_are_those_that_any_verifier_lacks() {
    let (_, connection, users) = &mut setting();
    assert_eq!(unapplied_xids(connection), []);
    let a = id_of(connection, 'a');
    outcome(tokens::revoke(connection, &CLI, users.ada, a).unwrap());
    assert_eq!(unapplied_xids(connection), [], "nobody verifies");

    let (ahead, ahead_applied) = register(connection);
    let (behind, behind_applied) = register(connection);
    assert_eq!(unapplied_xids(connection), [], "nobody remembers");
    let of_bob = xids(users::disable(connection, &CLI, users.bob).unwrap());
    assert_eq!(unapplied_xids(connection), of_bob);
    catch_up(connection, ahead, ahead_applied);
    assert_eq!(unapplied_xids(connection), of_bob);
    let applied = catch_up(connection, behind, behind_applied);
    assert_eq!(unapplied_xids(connection), []);
    assert!(applied.sees(only(&of_bob)));
}

/// The first attempt may be committed at any time, and was not by then: its outcome is still its own to tell.
#[test]
fn a_revocation_that_is_not_committed_does_not_stand() {
    let (database, connection, users) = &mut setting();
    register(connection);
    let (_, seen) = interleave(
        database,
        |c| users::disable(c, &CLI, users.bob).map(outcome),
        |c| unapplied(c).map(xids),
    );
    assert_eq!(seen.unwrap(), []);
    assert_eq!(unapplied_xids(connection).len(), 1);
}

/// A retry waits for the attempt before it: they take the same rows.
#[test]
fn an_attempt_that_runs_beside_another_waits_for_it() {
    let (database, connection, users) = &mut setting();
    register(connection);
    let a = id_of(connection, 'a');
    let (_, second) = interleave(
        database,
        |c| tokens::revoke(c, &CLI, users.ada, a).map(outcome),
        |c| tokens::revoke(c, &CLI, users.ada, a),
    );
    let (revoked, stands) = second.unwrap().into_unconfirmed();
    assert!(!revoked);
    assert_eq!(stands, xids_of_token(connection, 'a'));
}

#[test]
fn a_token_tells_what_revoked_it() {
    let (database, connection, users) = &mut setting();
    assert_eq!(xids_of_token(connection, 'a'), []);
    execute(connection, "DELETE FROM tokens WHERE name IN ('a', 'b')");
    let of_a = xids_of_token(connection, 'a');
    assert_eq!(of_a, xids_of_token(connection, 'b'));
    only(&of_a);
    assert_eq!(xids_of_token(connection, 'c'), []);

    issue_this(connection, users.ada, &token('a'));
    execute(&mut connect(database), "DELETE FROM tokens WHERE name = 'a'");
    assert_eq!(xids_of_token(connection, 'a').len(), 2);
    assert_eq!(xids_of_token(connection, 'b'), of_a);

    // With the table's content went every token.
    execute(connection, "TRUNCATE tokens");
    only(&xids_of_token(connection, 'c'));
}

/// Told when it is dropped, by a panic as well.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A crash of the server shows what was still waiting for a standby, which has not heard of it and may be promoted next. Here
/// the standby is never there.
const NO_CLIENT: ClientId = ClientId(Uuid::nil());

#[test]
fn a_second_attempt_waits_for_a_commit_as_durable_as_the_first() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let connect = || jeton_proof_support::connect(&postgres.url());
    let (operator, connection) = (&mut connect(), &mut connect());
    let ada = create_user(connection, "ada").id;
    issue_this(connection, ada, &token('a'));
    let a = id_of(connection, 'a');
    register(connection);
    outcome(tokens::revoke(connection, &CLI, ada, a).unwrap());

    let second_attempts: [fn(&mut PgConnection, UserId, TokenId); 4] = [
        |connection, ada, a| {
            outcome(
                tokens::revoke(connection, &CLI, ada, a)
                    .map(|found| found.map(drop))
                    .unwrap(),
            )
        },
        |connection, _, _| outcome(of_token(connection, digest('a')).unwrap().map(drop)),
        |connection, _, _| outcome(clients::enable(connection, &CLI, NO_CLIENT).unwrap().map(drop)),
        |connection, _, _| {
            outcome(
                clients::set_scopes(connection, &CLI, NO_CLIENT, &scopes(""))
                    .unwrap()
                    .map(drop),
            );
        },
    ];
    for attempt in second_attempts {
        for session in ["on", "off", "local"] {
            execute(operator, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
            execute(operator, "SELECT pg_reload_conf()");
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let connection = &mut connect();
                    execute(connection, &format!("SET synchronous_commit = {session}"));
                    // The process that makes transactions wait for a standby may learn later than others that they should.
                    while !done.load(Ordering::Relaxed) {
                        attempt(connection, ada, a);
                    }
                });
                let _ends = Done(&done);
                wait_until("it waits for the standby", || {
                    count(operator, "pg_stat_activity WHERE wait_event = 'SyncRep'") == 1
                });
                execute(operator, "ALTER SYSTEM RESET synchronous_standby_names");
                execute(operator, "SELECT pg_reload_conf()");
            });
        }
    }
}
