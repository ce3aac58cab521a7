use crate::support::history;
use jeton_proof_support::run;

const ACCEPTED: &str = "VIOLATION accepted-after-revocation";
const REFUSED: &str = "VIOLATION refused-while-valid";

/// Runs the program with a rule left out, and expects it to find one of the things that come of that. What it meets in a run
/// depends on how busy the machine is: hence one run more, and another.
fn finds_that_it_is_without(rule: &str, found: &[&str], arguments: &[&str]) {
    let mut said = String::new();
    for seed in ["1", "2", "3", "4"] {
        let arguments = [&["--without", rule, "--seed", seed], arguments].concat();
        let outcome = run(&mut history(&arguments), "");
        let text = outcome.text();
        if outcome.status == 1 && found.iter().any(|violation| text.contains(violation)) {
            return;
        }
        said.push_str(&text);
    }
    panic!("not found without {rule}: {said}");
}

#[test]
fn a_verifier_that_keeps_outdated_answers_is_found() {
    finds_that_it_is_without("fill-rule", &[ACCEPTED], &["--seconds", "6"]);
}

#[test]
fn an_acknowledgement_that_waits_for_nobody_is_found() {
    finds_that_it_is_without("barrier", &[ACCEPTED], &["--seconds", "6"]);
}

#[test]
fn a_client_that_is_disabled_unnoticed_is_found() {
    finds_that_it_is_without("client-change", &[ACCEPTED], &APPS);
}

#[test]
fn a_grant_that_leaves_its_tokens_behind_is_found() {
    finds_that_it_is_without("grant-cascade", &[ACCEPTED], &APPS);
}

/// Apps and nobody else, for as long as it takes until each of them has had a grant taken back and has been disabled.
const APPS: [&str; 6] = ["--seconds", "12", "--users", "0", "--apps", "6"];

/// Each fault once, and no more.
const PAIR: [&str; 8] = [
    "--pair",
    "hosts",
    "--seconds",
    "1",
    "--lease",
    "1s",
    "--patience",
    "60s",
];

#[test]
fn a_former_primary_that_is_asked_is_found() {
    // What was revoked since it was the primary it accepts, and what was issued since it refuses: which of them is met first is
    // chance.
    finds_that_it_is_without("former-primary", &[ACCEPTED, REFUSED], &PAIR);
}

#[test]
fn a_second_attempt_that_waits_for_no_standby_is_found() {
    finds_that_it_is_without("second-attempt", &[ACCEPTED], &PAIR);
}
