//! Revokers: the change, the barrier, the retry, and what becomes of rows that were waited out.

use crate::Xid;
use crate::fail_over::Server;
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Look, Revoker, RowId, State};
use crate::step::{RevokeStep, Step};

/// Why a barrier is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grounds {
    /// Every row that was listed has applied the change, or is gone.
    Applied,
    /// What has not, has been waited out.
    Expired,
}

impl State {
    pub(crate) fn offer_revoke_steps(&self, protocol: &Protocol, steps: &mut Vec<Step>) {
        for (change, revoker) in self.revokers.iter().enumerate() {
            let mut offer = |step| steps.push(Step::Revoke(change, step));
            match revoker {
                Revoker::Pending if self.may_begin(protocol, change) => offer(RevokeStep::Begin),
                Revoker::Open { lost, .. } => {
                    offer(RevokeStep::Commit);
                    if self.faults.fail_overs > 0 {
                        offer(RevokeStep::CommitAlone);
                    }
                    if *lost {
                        offer(RevokeStep::Abort);
                    }
                }
                Revoker::Committed { .. } => offer(RevokeStep::See),
                Revoker::Unknown => offer(RevokeStep::Retry),
                Revoker::Waiting { .. } => {
                    offer(RevokeStep::Round(Server::Primary));
                    if self.former.is_some() && protocol.is(Mutant::ConfirmOnFormer) {
                        offer(RevokeStep::Round(Server::Former));
                    }
                    if self.grounds(protocol, change).is_some() {
                        offer(RevokeStep::Acknowledge);
                    }
                }
                Revoker::Acknowledged { look: Some(look) } => {
                    let by_wrong_clock = protocol.is(Mutant::GiveUpByClockOfCommit);
                    for row in self.rows_to_give_up(protocol, look, by_wrong_clock) {
                        offer(RevokeStep::GiveUp(row));
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn take_revoke_step(&mut self, protocol: &Protocol, change: Xid, step: &RevokeStep) {
        let next = match (step, self.revokers[change].clone()) {
            (RevokeStep::Begin, _) => Revoker::Open { lost: false, age: 0 },
            (RevokeStep::Abort, _) => Revoker::Pending,
            (RevokeStep::Commit, Revoker::Open { lost, age }) => {
                self.commit_change(protocol, change);
                self.database.replicate();
                if lost {
                    Revoker::Unknown
                } else {
                    Revoker::Committed { retried: false, age }
                }
            }
            (RevokeStep::CommitAlone, _) => {
                self.commit_change(protocol, change);
                Revoker::Unknown
            }
            (RevokeStep::See, _) if protocol.is(Mutant::NoBarrier) => Revoker::Acknowledged { look: None },
            (RevokeStep::See, Revoker::Committed { retried, age }) => Revoker::Waiting {
                retried,
                since_seen: age,
                look: self
                    .purger
                    .clone()
                    .filter(|_| protocol.is(Mutant::JoinRoundUnderWay)),
            },
            (RevokeStep::Retry, _) => self.retried(protocol, change),
            (
                RevokeStep::Round(server),
                Revoker::Waiting {
                    retried,
                    since_seen,
                    look,
                },
            ) => Revoker::Waiting {
                retried,
                since_seen,
                look: Some(self.at(*server, |state| state.round(change, look))),
            },
            (RevokeStep::Acknowledge, Revoker::Waiting { look, .. }) => Revoker::Acknowledged { look },
            (RevokeStep::GiveUp(row), revoker) => {
                self.database.rows.retain(|other| other.id != *row);
                revoker
            }
            (_, other) => other,
        };
        self.revokers[change] = next;
    }

    /// Changes begin in the order of the scenario, so that their numbers are their xids; they commit in any order. Those of
    /// the watched token lock its row, and so follow each other.
    fn may_begin(&self, protocol: &Protocol, change: Xid) -> bool {
        let watched = protocol.scenario.watched();
        let begun = self.revokers[..change]
            .iter()
            .all(|earlier| *earlier != Revoker::Pending);
        begun && (!watched.contains(change) || self.database.committed.contains_all(watched.below(change)))
    }

    fn commit_change(&mut self, protocol: &Protocol, change: Xid) {
        self.database.committed = self.database.committed.with(change);
        self.database.log = self.database.log.with(change);
        let is_valid = protocol
            .scenario
            .is_valid(protocol.scenario.view(self.database.committed));
        if let Some(request) = &mut self.checks.request {
            request.always_valid &= is_valid;
        }
    }

    /// A retry changes nothing. It commits all the same, and durably: that there is nothing to change may be by a commit
    /// that the standby does not have. Then it waits as the first attempt would have, for what stands in the log: what has
    /// been purged has been applied by all.
    fn retried(&mut self, protocol: &Protocol, change: Xid) -> Revoker {
        if !protocol.is(Mutant::RetryIsNotDurable) {
            self.database.replicate();
        }
        if self.database.log.contains(change) && !protocol.is(Mutant::RetryDoesNotWait) {
            Revoker::Committed {
                retried: true,
                age: 0,
            }
        } else {
            Revoker::Acknowledged { look: None }
        }
    }

    /// One round. The first lists every row that is in the way, the others cross off. The reply can only be late, and
    /// what it says does not become untrue: hence one step for both, and another for the acknowledgement.
    fn round(&self, change: Xid, look: Option<Look>) -> Look {
        let in_the_way = |id: RowId| {
            self.database
                .row(id)
                .is_some_and(|row| !row.applied.contains(change))
        };
        let mut look = look.unwrap_or_else(|| Look::at(self.database.rows.iter()));
        look.rows.retain(|(id, _)| in_the_way(*id));
        look
    }

    /// Whether the barrier is over, by what the last round has told and the clock tells.
    pub(crate) fn grounds(&self, protocol: &Protocol, change: Xid) -> Option<Grounds> {
        let Revoker::Waiting { since_seen, look, .. } = &self.revokers[change] else {
            return None;
        };
        let rows = &look.as_ref()?.rows;
        let waited = if protocol.is(Mutant::BarrierEndsEarly) {
            *since_seen + 1
        } else {
            *since_seen
        };
        let is_expired = |id: RowId| {
            waited >= protocol.scenario.leases[id.verifier] && !protocol.is(Mutant::BarrierNeverExpires)
        };
        if rows.is_empty() {
            Some(Grounds::Applied)
        } else {
            rows.iter()
                .all(|(id, _)| is_expired(*id))
                .then_some(Grounds::Expired)
        }
    }

    /// Of the rows that were looked at, those that may be deleted now: a whole lease later, and still at that version.
    /// `DELETE … WHERE version = …` waits for a renewal that has the lock, and then finds another version.
    pub(crate) fn rows_to_give_up(&self, protocol: &Protocol, look: &Look, too_soon: bool) -> Vec<RowId> {
        let may_go = |(id, version): &(RowId, u8)| {
            let unmoved = self.database.row(*id).is_some_and(|row| row.version == *version);
            let moved_is_fine = protocol.is(Mutant::GiveUpMovedRow) && self.database.row(*id).is_some();
            let lease_passed = look.age >= protocol.scenario.leases[id.verifier];
            (unmoved || moved_is_fine) && (lease_passed || too_soon) && !self.is_locked(*id)
        };
        look.rows
            .iter()
            .filter(|row| may_go(row))
            .map(|(id, _)| *id)
            .collect()
    }

    /// After the acknowledgement, a look serves to delete what has not moved. What has, will not come back.
    pub(crate) fn forget_useless_looks(&mut self, protocol: &Protocol) {
        let database = &self.database;
        let keep_moved = protocol.is(Mutant::GiveUpMovedRow) || protocol.is(Mutant::LooksSurviveCrash);
        for revoker in &mut self.revokers {
            if let Revoker::Acknowledged { look } = revoker {
                if let Some(Look { rows, .. }) = look {
                    rows.retain(|(id, version)| {
                        database
                            .row(*id)
                            .is_some_and(|row| keep_moved || row.version == *version)
                    });
                }
                look.take_if(|look| look.rows.is_empty());
            }
        }
    }
}
