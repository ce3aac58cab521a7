//! Counterexamples that can be read: without the steps that do not matter, and with what each step has changed.

use crate::model::Protocol;
use crate::state::State;
use crate::step::Step;
use stateright::Model;

impl Protocol {
    /// Tells a run at the end of which the property does not hold.
    pub(crate) fn tell(&self, property: &'static str, steps: Vec<Step>) -> Vec<String> {
        let mut state = State::new(&self.scenario);
        let mut ticks = 0;
        let mut story = Vec::new();
        for step in self.shortened(property, steps) {
            let Some(next) = self.next_state(&state, step.clone()) else {
                continue;
            };
            ticks += u32::from(step == Step::Tick);
            story.push(format!("t={ticks}  {step}{}", state.difference(&next)));
            state = next;
        }
        story
    }

    /// Leaves out one step after the other, with what it entailed, for as long as the property still does not hold.
    fn shortened(&self, property: &'static str, mut steps: Vec<Step>) -> Vec<Step> {
        let holds = self.property(property).condition;
        let mut tried = 0;
        while tried < steps.len() {
            let left_out = steps.len() - 1 - tried;
            let rest = steps.iter().enumerate().filter(|(i, _)| *i != left_out);
            let (taken, end) = self.run(rest.map(|(_, step)| step));
            if holds(self, &end) {
                tried += 1;
            } else {
                steps = taken;
                tried = 0;
            }
        }
        steps
    }

    /// Takes those of the steps that are possible when it is their turn.
    fn run<'a>(&self, steps: impl Iterator<Item = &'a Step>) -> (Vec<Step>, State) {
        let mut state = State::new(&self.scenario);
        let mut taken = Vec::new();
        for step in steps {
            let mut possible = Vec::new();
            self.actions(&state, &mut possible);
            if !possible.contains(step) {
                continue;
            }
            if let Some(next) = self.next_state(&state, step.clone()) {
                taken.push(step.clone());
                state = next;
            }
        }
        (taken, state)
    }
}
