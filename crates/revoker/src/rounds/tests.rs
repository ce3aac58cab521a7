#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::*;
use jeton_coherence::{Snapshot, Xid};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(10);
const SHORT_OF_A_LEASE: Duration = Duration::from_nanos(9_999_999_999);
const ONE: Xid = Xid(100);
const OTHER: Xid = Xid(200);

/// Some moment, and so long after it.
fn after(time: Duration) -> BootTime {
    BootTime::from_nanos(77) + time
}

/// What a verifier has applied that sees these of [`ONE`] and [`OTHER`].
fn seeing(seen: &[Xid]) -> Snapshot {
    let unseen = [ONE, OTHER].into_iter().filter(|xid| !seen.contains(xid));
    Snapshot::new(Xid(90), Xid(300), unseen)
}

fn row(id: u128, version: i64, seen: &[Xid]) -> VerifierRow {
    VerifierRow {
        id: Uuid::from_u128(id),
        version,
        applied: seeing(seen),
        lease_ms: 10_000,
    }
}

fn dead(id: u128, version: i64) -> Dead {
    Dead {
        id: Uuid::from_u128(id),
        version,
    }
}

fn wait_for(xids: &[Xid]) -> Wait {
    Wait::new(xids.to_vec(), false)
}

/// Whether the wait is over then, and who is found dead.
fn look(wait: &mut Wait, rows: &[VerifierRow], now: BootTime) -> (bool, Vec<Dead>) {
    let mut dead = Vec::new();
    let done = wait.look(rows, now, &mut dead);
    (done, dead)
}

fn watch(watch: &mut Watch, rows: &[VerifierRow], now: BootTime) -> Vec<Dead> {
    let mut dead = Vec::new();
    watch.look(rows, now, &mut dead);
    dead
}

#[test]
fn a_wait_is_over_when_every_verifier_has_applied_the_revocation() {
    let mut wait = wait_for(&[ONE]);
    let [behind, applied] = [[].as_slice(), &[ONE]];
    let both_behind = [row(1, 4, behind), row(2, 7, behind)];
    assert_eq!(
        look(&mut wait, &both_behind, after(Duration::ZERO)),
        (false, vec![])
    );
    let one_behind = [row(1, 5, applied), row(2, 8, behind)];
    assert_eq!(
        look(&mut wait, &one_behind, after(Duration::ZERO)),
        (false, vec![])
    );
    let none_behind = [row(1, 5, applied), row(2, 9, applied)];
    assert_eq!(
        look(&mut wait, &none_behind, after(Duration::ZERO)),
        (true, vec![])
    );
}

#[test]
fn all_of_its_transactions_are_waited_for() {
    for (seen, done) in [
        ([].as_slice(), false),
        (&[ONE], false),
        (&[OTHER], false),
        (&[ONE, OTHER], true),
    ] {
        let mut wait = wait_for(&[ONE, OTHER]);
        let outcome = look(&mut wait, &[row(1, 0, seen)], after(Duration::ZERO));
        assert_eq!(outcome, (done, vec![]), "{seen:?}");
    }
}

/// Counted from the first look, and the row is taken away only of one that did not renew in that time.
#[test]
fn a_dead_one_is_waited_for_a_whole_lease() {
    let mut wait = wait_for(&[ONE]);
    let rows = [row(1, 4, &[]), row(2, 7, &[ONE])];
    for time in [Duration::ZERO, LEASE / 2, SHORT_OF_A_LEASE] {
        assert_eq!(look(&mut wait, &rows, after(time)), (false, vec![]), "{time:?}");
    }
    assert_eq!(look(&mut wait, &rows, after(LEASE)), (true, vec![dead(1, 4)]));
}

#[test]
fn a_verifier_is_waited_for_by_its_own_lease() {
    let mut wait = wait_for(&[ONE]);
    let long = VerifierRow {
        lease_ms: 20_000,
        ..row(2, 7, &[])
    };
    let rows = [row(1, 4, &[]), long];
    assert_eq!(look(&mut wait, &rows, after(Duration::ZERO)), (false, vec![]));
    assert_eq!(look(&mut wait, &rows, after(LEASE)), (false, vec![dead(1, 4)]));
    assert_eq!(
        look(&mut wait, &rows[1..], after(2 * LEASE)),
        (true, vec![dead(2, 7)])
    );
}

/// It was slow to apply it; what it answers from memory since then it has heard of.
#[test]
fn a_verifier_that_renews_without_applying_is_not_waited_for_longer_and_not_dead() {
    let mut wait = wait_for(&[ONE]);
    assert_eq!(
        look(&mut wait, &[row(1, 4, &[])], after(Duration::ZERO)),
        (false, vec![])
    );
    assert_eq!(
        look(&mut wait, &[row(1, 5, &[])], after(SHORT_OF_A_LEASE)),
        (false, vec![])
    );
    assert_eq!(look(&mut wait, &[row(1, 5, &[])], after(LEASE)), (true, vec![]));
}

#[test]
fn a_verifier_that_comes_later_or_leaves_is_not_waited_for() {
    let mut wait = wait_for(&[ONE]);
    assert_eq!(
        look(&mut wait, &[row(1, 4, &[])], after(Duration::ZERO)),
        (false, vec![])
    );
    let joined = [row(1, 4, &[]), row(2, 0, &[])];
    assert_eq!(look(&mut wait, &joined, after(Duration::ZERO)), (false, vec![]));
    assert_eq!(
        look(&mut wait, &joined[1..], after(Duration::ZERO)),
        (true, vec![])
    );
    assert_eq!(
        look(&mut wait_for(&[ONE]), &[], after(Duration::ZERO)),
        (true, vec![])
    );
}

#[test]
fn the_watch_finds_who_has_not_renewed_for_a_whole_lease() {
    let mut seen = Watch::default();
    // What it has applied does not matter.
    let rows = [row(1, 4, &[ONE, OTHER]), row(2, 7, &[])];
    for time in [Duration::ZERO, LEASE / 2, SHORT_OF_A_LEASE] {
        assert_eq!(watch(&mut seen, &rows, after(time)), [], "{time:?}");
    }
    assert_eq!(watch(&mut seen, &rows, after(LEASE)), [dead(1, 4), dead(2, 7)]);
}

#[test]
fn a_verifier_that_renews_is_watched_anew() {
    let mut seen = Watch::default();
    assert_eq!(watch(&mut seen, &[row(1, 4, &[])], after(Duration::ZERO)), []);
    assert_eq!(watch(&mut seen, &[row(1, 5, &[])], after(SHORT_OF_A_LEASE)), []);
    assert_eq!(watch(&mut seen, &[row(1, 5, &[])], after(LEASE)), []);
    let later = SHORT_OF_A_LEASE + LEASE;
    assert_eq!(watch(&mut seen, &[row(1, 5, &[])], after(later)), [dead(1, 5)]);
    // As is who went and came back.
    assert_eq!(watch(&mut seen, &[], after(later)), []);
    assert_eq!(watch(&mut seen, &[row(1, 5, &[])], after(later)), []);
}

fn waiting(rounds: &mut Rounds, xid: Xid) -> oneshot::Receiver<Result<(), Unconfirmed>> {
    add(rounds, wait_for(&[xid]))
}

fn add(rounds: &mut Rounds, wait: Wait) -> oneshot::Receiver<Result<(), Unconfirmed>> {
    let (reply, answer) = oneshot::channel();
    rounds.add(std::iter::once(Waiting::new(None, wait, reply)));
    answer
}

#[test]
fn verifiers_are_told_once_of_what_is_new() {
    let mut rounds = Rounds::default();
    let _one = waiting(&mut rounds, ONE);
    let _told_already = add(&mut rounds, Wait::new(vec![OTHER], true));
    assert_eq!((rounds.to_nudge(), rounds.has_new()), (vec![ONE], true));
    rounds.look(&[row(1, 0, &[])], after(Duration::ZERO), &mut Vec::new());
    assert_eq!((rounds.to_nudge(), rounds.has_new()), (vec![], false));
    // What was seen on another connection does not count, and who was told so is not told again.
    rounds.start_over();
    assert_eq!((rounds.to_nudge(), rounds.has_new()), (vec![ONE], true));
}

#[test]
fn a_round_answers_those_whose_revocation_holds() {
    let mut rounds = Rounds::default();
    let (mut one, mut other) = (waiting(&mut rounds, ONE), waiting(&mut rounds, OTHER));
    let dead = &mut Vec::new();
    rounds.look(&[row(1, 0, &[ONE])], after(Duration::ZERO), dead);
    assert!(one.try_recv().unwrap().is_ok() && other.try_recv().is_err() && !rounds.is_idle());
    rounds.look(&[row(1, 1, &[ONE, OTHER])], after(Duration::ZERO), dead);
    assert!(other.try_recv().unwrap().is_ok() && rounds.is_idle());

    let mut in_vain = waiting(&mut rounds, ONE);
    rounds.fail_all("the database is away");
    assert!(in_vain.try_recv().unwrap().is_err() && rounds.is_idle());
    drop(waiting(&mut rounds, ONE));
    rounds.forget_abandoned();
    assert!(rounds.is_idle());
}

/// Of the wait and of the watch: a version that was seen on the connection before may have been undone by a crash.
#[test]
fn a_lease_is_waited_for_anew_on_a_new_connection() {
    let mut rounds = Rounds::default();
    let mut answer = waiting(&mut rounds, ONE);
    let rows = [row(1, 4, &[]), row(2, 7, &[ONE])];
    let found = &mut Vec::new();
    rounds.look(&rows, after(Duration::ZERO), found);
    rounds.start_over();
    rounds.look(&rows, after(LEASE), found);
    assert!(answer.try_recv().is_err() && found.is_empty(), "{found:?}");
    rounds.look(&rows, after(2 * LEASE), found);
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!(*found, [dead(1, 4), dead(2, 7), dead(1, 4)]);
}

/// One after the other, they would wait for its lease longer than anybody waits: it renews without applying, or its row is
/// held, so that it is in everybody's way for ever.
#[test]
fn hundreds_at_once_wait_for_one_dead_verifier_together() {
    let mut rounds = Rounds::default();
    let rows = [row(1, 4, &[]), row(2, 7, &[ONE])];
    let mut answers = Vec::new();
    let found = &mut Vec::new();
    // They come within half a lease, one round each.
    for number in 0..300 {
        answers.push(waiting(&mut rounds, ONE));
        rounds.look(&rows, after(LEASE / 600 * number), found);
    }
    assert!(found.is_empty() && answers.iter_mut().all(|one| one.try_recv().is_err()));
    // When the lease of the last is over that is everybody's, whether or not somebody could take the row away.
    rounds.look(&rows, after(LEASE / 2 + LEASE), found);
    assert!(answers.iter_mut().all(|one| one.try_recv().unwrap().is_ok()));
    found.sort_unstable();
    found.dedup();
    // The watch finds the other one as well, of which nobody has heard for as long.
    assert_eq!(*found, [dead(1, 4), dead(2, 7)]);
}

/// What was not read may be behind.
#[test]
fn a_list_that_is_cut_off_confirms_nothing_and_shows_who_is_dead() {
    let mut rounds = Rounds::default();
    let rows: Vec<VerifierRow> = (0..=MOST_LISTED).map(|id| row(id as u128, 0, &[ONE])).collect();
    let mut refused = waiting(&mut rounds, ONE);
    let dead = &mut Vec::new();
    rounds.look(&rows, after(Duration::ZERO), dead);
    assert!(refused.try_recv().unwrap().is_err() && dead.is_empty());
    rounds.look(&rows, after(LEASE), dead);
    assert_eq!(dead.len(), rows.len());
    let mut served = waiting(&mut rounds, ONE);
    rounds.look(&rows[1..], after(LEASE), dead);
    assert!(served.try_recv().unwrap().is_ok());
}
