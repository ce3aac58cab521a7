use crate::support::history;
use jeton_proof_support::run;

/// Runs the program with a rule left out, and expects it to find what comes of that.
fn finds_that_it_is_without(rule: &str) {
    let arguments = ["--without", rule, "--seconds", "6", "--seed", "1"];
    let outcome = run(&mut history(&arguments), "");
    assert_eq!(outcome.status, 1, "{}", outcome.text());
    let found = outcome.line("VIOLATION ");
    assert!(found.starts_with("accepted-after-revocation"), "{found}");
}

#[test]
fn a_verifier_that_keeps_outdated_answers_is_found() {
    finds_that_it_is_without("fill-rule");
}

#[test]
fn an_acknowledgement_that_waits_for_nobody_is_found() {
    finds_that_it_is_without("barrier");
}
