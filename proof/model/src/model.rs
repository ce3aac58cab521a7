//! The model: who can do what in a state, and what comes of it.

use crate::mutant::Mutant;
use crate::properties::properties;
use crate::scenario::Scenario;
use crate::state::{Lease, Progress, Revoker, State, WATCHED};
use crate::step::Step;
use stateright::{Model, Property};

/// The protocol in a scenario; with a mutant, all of its rules but one.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Who takes part, and what may happen.
    pub scenario: Scenario,
    /// The rule that is left out.
    pub mutant: Option<Mutant>,
}

impl Protocol {
    /// Whether this is that mutant.
    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.scenario)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.is_over() {
            return;
        }
        steps.push(Step::Tick);
        state.offer_lease_steps(self, steps);
        state.offer_database_steps(steps);
        state.offer_check_steps(self, steps);
        state.offer_revoke_steps(self, steps);
        state.offer_purge_steps(self, steps);
        state.offer_faults(steps);
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Tick => state.tick(self),
            Step::Fault(fault) => state.take_fault(self, &fault),
            Step::Lease(verifier, step) => state.take_lease_step(self, verifier, &step),
            Step::Database(step) => state.take_database_step(self, &step),
            Step::Check(step) => state.take_check_step(self, &step),
            Step::Revoke(change, step) => state.take_revoke_step(self, change, &step),
            Step::Purge(step) => state.take_purge_step(self, &step),
        }
        state.normalise(self);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties(self)
    }
}

impl State {
    /// One tick. Counters stop where they no longer make a difference.
    fn tick(&mut self, protocol: &Protocol) {
        let longest = protocol.scenario.longest_lease();
        let count = |age: &mut u8| *age = (*age + 1).min(longest);
        self.checks.deadline = self.checks.deadline.saturating_sub(1);
        if let Some(request) = &mut self.checks.request
            && let Progress::KnowsDeadline { left, .. } = &mut request.progress
        {
            *left = left.saturating_sub(1);
        }
        match &mut self.verifiers[WATCHED].lease {
            Lease::Renewing { age, .. } | Lease::Applying { age, .. } => count(age),
            Lease::Registering { age } if protocol.is(Mutant::LeaseWithRegistration) => count(age),
            _ => {}
        }
        for revoker in &mut self.revokers {
            match revoker {
                Revoker::Waiting { since_seen, .. } => count(since_seen),
                Revoker::Open { age, .. } | Revoker::Committed { age, .. }
                    if protocol.is(Mutant::ClockBeforeCommit) =>
                {
                    count(age);
                }
                _ => {}
            }
            if let Some(Some(look)) = revoker.look_mut() {
                count(&mut look.age);
            }
        }
        if let Some(look) = &mut self.purger {
            count(&mut look.age);
        }
    }

    /// Makes states equal that cannot be told apart by what may still happen.
    fn normalise(&mut self, protocol: &Protocol) {
        self.forget_useless_looks(protocol);
        self.forget_former_primary(protocol);
        self.database.orphans.sort_unstable();
        self.checks.queries.sort_unstable();
        for i in 0..self.database.rows.len() {
            let row = &mut self.database.rows[i];
            if !self.faults.may_undo() {
                row.on_disk = None;
            }
            if row.version != 0 && row.on_disk.is_none() && !self.is_remembered(i) {
                self.database.rows[i].version = 0;
            }
        }
    }

    fn is_remembered(&self, row: usize) -> bool {
        let id = self.database.rows[row].id;
        self.looks()
            .any(|look| look.rows.iter().any(|(other, _)| *other == id))
    }
}
