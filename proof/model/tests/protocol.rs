//! The protocol keeps its promise in every small scenario, and without any of its rules it does not.

use clap::ValueEnum;
use jeton_model::{Mutant, NO_STALE_ACCEPT, Protocol, Report, SOMETIMES, Scenario, Size, check, scenarios};
use std::collections::BTreeSet;
use std::num::NonZero;

fn checked(scenario: Scenario, mutant: Option<Mutant>) -> Report {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    check(&Protocol { scenario, mutant }, threads)
}

#[test]
fn the_protocol_keeps_its_promise() {
    let mut possible = BTreeSet::new();
    for scenario in scenarios(Size::Small) {
        let report = checked(scenario.clone(), None);
        assert!(report.is_as_expected(), "{report}");
        possible.extend(report.possible);
    }
    let wanted = BTreeSet::from(SOMETIMES);
    assert_eq!(possible, wanted, "what never happens is no proof of anything");
}

#[test]
fn the_protocol_without_any_of_its_rules_does_not_hold() {
    for mutant in Mutant::value_variants()
        .iter()
        .filter(|mutant| mutant.breaks().is_some())
    {
        let report = checked(mutant.scenario(), Some(*mutant));
        assert!(report.is_as_expected(), "{mutant} is not caught\n{report}");
    }
}

/// These are findings, too: see the README for why the protocol has the rules all the same.
#[test]
fn a_redundant_rule_can_be_left_out() {
    for mutant in Mutant::value_variants()
        .iter()
        .filter(|mutant| mutant.breaks().is_none())
    {
        let report = checked(mutant.scenario(), Some(*mutant));
        assert!(
            report.is_as_expected(),
            "{mutant} is not as harmless as the README says\n{report}"
        );
    }
}

#[test]
fn a_counterexample_can_be_read() {
    let report = checked(Mutant::NoBarrier.scenario(), Some(Mutant::NoBarrier));
    let story = &report.counterexamples[NO_STALE_ACCEPT];
    let acknowledged = story.iter().position(|line| line.contains("x0 is ACKNOWLEDGED"));
    let accepted = story.iter().position(|line| line.contains("ACCEPTS view 0"));
    assert!(acknowledged.is_some() && acknowledged < accepted, "{report}");
    assert_eq!(accepted, Some(story.len() - 1), "{report}");
}
