use crate::support::{history, line, text};
use jeton_proof_support::program_with;

/// Runs the program that can leave a rule out, and expects it to find what comes of that.
fn finds_that_it_is_without(rule: &str) {
    let program = program_with("jeton-history-negative", &["jeton-history/negative-controls"]);
    let arguments = ["--without", rule, "--seconds", "6", "--seed", "1"];
    let output = history(program, &arguments).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let found = line(&text, "VIOLATION ");
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
