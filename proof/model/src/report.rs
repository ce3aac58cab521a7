//! Checking a protocol, and telling what came of it.

use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::properties::SOMETIMES;
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The rule that was left out.
    pub mutant: Option<Mutant>,
    /// How many different states there are; of a mutant, how many were looked at.
    pub states: usize,
    /// How many steps led to them.
    pub steps: usize,
    /// How many steps it takes to get to the farthest one.
    pub depth: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// For each property that does not hold, a run that shows it, told step by step; of a mutant, for the one that it
    /// breaks.
    pub counterexamples: BTreeMap<&'static str, Vec<String>>,
    /// What is to be possible, and is.
    pub possible: BTreeSet<&'static str>,
}

/// Checks all states of the protocol; of a mutant that breaks a property, those up to where it does.
pub fn check(protocol: &Protocol, threads: usize) -> Report {
    let started_at = Instant::now();
    let broken = awaited(protocol.mutant);
    let finish = broken.map_or(HasDiscoveries::All, |property| {
        HasDiscoveries::AllOf([property].into())
    });
    let checker = protocol
        .clone()
        .checker()
        .threads(threads)
        .finish_when(finish)
        .spawn_bfs()
        .join();
    let mut report = Report {
        scenario: protocol.scenario.name,
        mutant: protocol.mutant,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        elapsed: started_at.elapsed(),
        counterexamples: BTreeMap::new(),
        possible: BTreeSet::new(),
    };
    for (name, path) in checker.discoveries() {
        if protocol.property(name).expectation == Expectation::Sometimes {
            report.possible.insert(name);
        } else if broken.is_none_or(|property| property == name) {
            report
                .counterexamples
                .insert(name, protocol.tell(name, path.into_actions()));
        }
    }
    report
}

fn awaited(mutant: Option<Mutant>) -> Option<&'static str> {
    mutant.and_then(Mutant::breaks)
}

impl Report {
    /// Whether it is as it should be: the protocol has every property, and a mutant lacks the one that it breaks.
    pub fn is_as_expected(&self) -> bool {
        match awaited(self.mutant) {
            None => self.counterexamples.is_empty(),
            Some(property) => self.counterexamples.contains_key(property),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mutant = self
            .mutant
            .map(|mutant| format!(" with the mutant {mutant}"))
            .unwrap_or_default();
        writeln!(
            f,
            "{}{mutant}: {} states, {} steps, depth {}, {:.1} s",
            self.scenario,
            self.states,
            self.steps,
            self.depth,
            self.elapsed.as_secs_f32()
        )?;
        for name in SOMETIMES.iter().filter(|name| self.possible.contains(*name)) {
            writeln!(f, "  possible: {name}")?;
        }
        for (name, story) in &self.counterexamples {
            writeln!(f, "  does not hold: {name}")?;
            for (number, line) in story.iter().enumerate() {
                writeln!(f, "    {:3}. {line}", number + 1)?;
            }
        }
        Ok(())
    }
}
