//! What must be waited for before a revocation is acknowledged.

use crate::logbook::{digest, id_of, log, logged_by, setting, token};
use crate::support::{connect, execute, interleave, issue_this, outcome, scopes};
use crate::verifiers::register;
use diesel::connection::SimpleConnection;
use jeton_coherence::revocations::{of_token, revoking, standing};
use jeton_coherence::{Snapshot, Xid};
use jeton_domain::{Initiator, TokenName};
use jeton_persistence::{DatabaseError, DatabaseResult, PgConnection, Revocation, tokens, users};
use uuid::Uuid;

/// The one transaction.
fn only(revocation: &Revocation) -> Xid {
    assert_eq!(revocation.xids.len(), 1, "{revocation:?}");
    revocation.xids[0]
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
    renew(read.clone());
    read
}

#[test]
fn who_revokes_waits_for_their_own_transaction() {
    let (_database, mut connection, users) = setting();
    register(&mut connection);
    let a = id_of(&mut connection, 'a');
    let (revoked, of_a) = tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap();
    assert!(revoked);
    assert_eq!(of_a, of_token(&mut connection, digest('a')).unwrap());
    // Not for what others have revoked and some have not applied yet.
    let (revoked, of_rest) = tokens::revoke_all(&mut connection, &Initiator::cli(), users.ada).unwrap();
    assert_eq!(revoked, 2);
    assert_ne!(only(&of_rest), only(&of_a));
    assert_eq!(of_rest, of_token(&mut connection, digest('b')).unwrap());
    let (_, of_bob) = users::set_scopes(&mut connection, &Initiator::cli(), users.bob, &scopes("")).unwrap();
    assert_ne!(only(&of_bob), only(&of_rest));
    // It is in the log, and was not revoked.
    let of_d = of_token(&mut connection, digest('d')).unwrap();
    assert_eq!(of_d, Revocation::default());
}

/// A second attempt finds nothing to revoke: the first may not have reached every verifier.
#[test]
fn who_revokes_nothing_waits_for_all_that_stands() {
    let (_database, mut connection, users) = setting();
    let (id, applied) = register(&mut connection);
    let (a, d) = (id_of(&mut connection, 'a'), id_of(&mut connection, 'd'));
    let (_, of_a) = tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap();
    let (again, stands) = tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap();
    assert!(!again);
    assert_eq!(stands, of_a);

    let (_, of_d) = tokens::revoke(&mut connection, &Initiator::cli(), users.bob, d).unwrap();
    let (_, mut stands) = tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap();
    stands.xids.sort_unstable();
    assert_eq!(stands.xids, [only(&of_a), only(&of_d)]);
    assert_eq!(standing(&mut connection).unwrap().xids.len(), 2);

    catch_up(&mut connection, id, applied);
    let (_, stands) = tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap();
    assert_eq!(stands, Revocation::default());
}

/// Every act that may revoke says so, though the log was not written in it.
#[test]
fn so_does_each_act_that_finds_nothing_to_do() {
    let (_database, mut connection, users) = setting();
    register(&mut connection);
    let a = id_of(&mut connection, 'a');
    let (_, first) = users::disable(&mut connection, &Initiator::cli(), users.ada).unwrap();
    let (_, second) = users::disable(&mut connection, &Initiator::cli(), users.ada).unwrap();
    assert_eq!(second, first);
    let (_, same) = users::set_scopes(
        &mut connection,
        &Initiator::cli(),
        users.ada,
        &scopes("notes:read notes:write"),
    )
    .unwrap();
    assert_eq!(same, first);
    execute(&mut connection, "DELETE FROM users WHERE username = 'ada'");
    let mut stands = standing(&mut connection).unwrap();
    stands.xids.sort_unstable();
    assert_eq!(stands.xids.len(), 2);
    let acts = [
        users::delete(&mut connection, &Initiator::cli(), users.ada)
            .unwrap()
            .1,
        users::disable(&mut connection, &Initiator::cli(), users.ada)
            .unwrap()
            .1,
        tokens::revoke_all(&mut connection, &Initiator::cli(), users.ada)
            .unwrap()
            .1,
        tokens::revoke_by_operator(&mut connection, &Initiator::cli(), a)
            .unwrap()
            .1,
    ];
    for mut act in acts {
        act.xids.sort_unstable();
        assert_eq!(act, stands);
    }
}

/// A transaction has a number once it writes anything.
#[test]
fn other_writing_is_no_revocation() {
    let (_database, mut connection, users) = setting();
    register(&mut connection);
    let a = id_of(&mut connection, 'a');
    let rename = |connection: &mut PgConnection| {
        let (renamed, revocation) = revoking(connection, |connection| {
            tokens::rename(
                connection,
                &Initiator::cli(),
                users.ada,
                a,
                &TokenName::parse("phone").unwrap(),
            )
        })
        .unwrap();
        assert!(renamed.is_some());
        revocation
    };
    assert_eq!(rename(&mut connection), Revocation::default());
    let (_, of_bob) = users::disable(&mut connection, &Initiator::cli(), users.bob).unwrap();
    assert_eq!(rename(&mut connection), of_bob);
}

#[test]
fn work_that_fails_revokes_nothing() {
    let (_database, mut connection, _) = setting();
    let failed: DatabaseResult<((), _)> = revoking(&mut connection, |connection| {
        connection.batch_execute("DELETE FROM tokens")?;
        Err(DatabaseError::Corrupt("on purpose"))
    });
    assert!(
        matches!(failed, Err(DatabaseError::Corrupt("on purpose"))),
        "{failed:?}"
    );
    assert_eq!(log(&mut connection), "");
    assert_eq!(logged_by(&mut connection, "DELETE FROM tokens"), "abcd");
}

#[test]
fn what_stands_is_what_any_verifier_lacks() {
    let (_database, mut connection, users) = setting();
    assert_eq!(standing(&mut connection).unwrap(), Revocation::default());
    let a = id_of(&mut connection, 'a');
    outcome(tokens::revoke(&mut connection, &Initiator::cli(), users.ada, a).unwrap());
    assert_eq!(
        standing(&mut connection).unwrap(),
        Revocation::default(),
        "nobody verifies"
    );

    let (ahead, ahead_applied) = register(&mut connection);
    let (behind, behind_applied) = register(&mut connection);
    assert_eq!(
        standing(&mut connection).unwrap(),
        Revocation::default(),
        "nobody remembers"
    );
    let (_, of_bob) = users::disable(&mut connection, &Initiator::cli(), users.bob).unwrap();
    assert_eq!(standing(&mut connection).unwrap(), of_bob);
    catch_up(&mut connection, ahead, ahead_applied);
    assert_eq!(standing(&mut connection).unwrap(), of_bob);
    let applied = catch_up(&mut connection, behind, behind_applied);
    assert_eq!(standing(&mut connection).unwrap(), Revocation::default());
    assert!(applied.sees(only(&of_bob)));
}

/// The first attempt may be committed at any time, and was not by then: its outcome is still its own to tell.
#[test]
fn what_is_not_committed_does_not_stand() {
    let (database, mut connection, users) = setting();
    register(&mut connection);
    let (_, seen) = interleave(
        &database,
        |c| users::disable(c, &Initiator::cli(), users.bob).map(outcome),
        standing,
    );
    assert_eq!(seen.unwrap(), Revocation::default());
    assert_eq!(standing(&mut connection).unwrap().xids.len(), 1);
}

/// A retry waits for the attempt before it: they take the same rows.
#[test]
fn an_attempt_that_runs_beside_another_waits_for_it() {
    let (database, mut connection, users) = setting();
    register(&mut connection);
    let a = id_of(&mut connection, 'a');
    let (_, second) = interleave(
        &database,
        |c| tokens::revoke(c, &Initiator::cli(), users.ada, a).map(outcome),
        |c| tokens::revoke(c, &Initiator::cli(), users.ada, a),
    );
    let (revoked, stands) = second.unwrap();
    assert!(!revoked);
    assert_eq!(stands, of_token(&mut connection, digest('a')).unwrap());
}

#[test]
fn of_a_token_it_is_told_what_revoked_it() {
    let (database, mut connection, users) = setting();
    assert_eq!(
        of_token(&mut connection, digest('a')).unwrap(),
        Revocation::default()
    );
    execute(&mut connection, "DELETE FROM tokens WHERE name IN ('a', 'b')");
    let of_a = of_token(&mut connection, digest('a')).unwrap();
    assert_eq!(of_a, of_token(&mut connection, digest('b')).unwrap());
    only(&of_a);
    assert_eq!(
        of_token(&mut connection, digest('c')).unwrap(),
        Revocation::default()
    );

    issue_this(&mut connection, users.ada, &token('a'));
    execute(&mut connect(&database), "DELETE FROM tokens WHERE name = 'a'");
    assert_eq!(of_token(&mut connection, digest('a')).unwrap().xids.len(), 2);
    assert_eq!(of_token(&mut connection, digest('b')).unwrap(), of_a);

    // With the table's content went every token.
    execute(&mut connection, "TRUNCATE tokens");
    only(&of_token(&mut connection, digest('c')).unwrap());
}
