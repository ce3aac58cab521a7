//! The purger: it deletes what nobody needs any more, from the log and from the table of verifiers.

use crate::Xids;
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Look, State};
use crate::step::{PurgeStep, Step};

impl State {
    pub(crate) fn offer_purge_steps(&self, protocol: &Protocol, steps: &mut Vec<Step>) {
        let mut offer = |step| steps.push(Step::Purge(step));
        if protocol.scenario.purges && !self.purgeable(protocol).is_empty() {
            offer(PurgeStep::Purge);
        }
        // To have seen no row at all is of use to a barrier only, and then it is a mutant's.
        let worth_a_look = !self.database.rows.is_empty() || protocol.is(Mutant::JoinRoundUnderWay);
        if protocol.scenario.gives_up && worth_a_look {
            offer(PurgeStep::Look);
        }
        let looked = self.purger.iter();
        for row in looked.flat_map(|look| self.rows_to_give_up(protocol, look, false)) {
            offer(PurgeStep::GiveUp(row));
        }
    }

    pub(crate) fn take_purge_step(&mut self, protocol: &Protocol, step: &PurgeStep) {
        match step {
            PurgeStep::Purge => self.database.log = self.database.log.without(self.purgeable(protocol)),
            PurgeStep::Look => self.purger = Some(Look::at(self.database.rows.iter())),
            PurgeStep::GiveUp(row) => {
                self.database.rows.retain(|other| other.id != *row);
                self.purger = None;
            }
        }
    }

    /// The rows of the log that every registered verifier has applied.
    fn purgeable(&self, protocol: &Protocol) -> Xids {
        let log = self.database.log;
        if protocol.is(Mutant::PurgeIgnoresVerifiers) {
            return log;
        }
        self.database
            .rows
            .iter()
            .fold(log, |rest, row| rest.and(row.applied))
    }
}
