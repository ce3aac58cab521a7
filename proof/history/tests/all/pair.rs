use crate::support::history;
use jeton_proof_support::{find_program, run};

/// Runs the program on a pair until each of these has happened once, however long that takes, and expects it to find nothing:
/// none accepted after an acknowledgement, none refused that is valid, and every service works again by itself.
fn every_promise_is_kept(behind: &str, faults: &[&str]) {
    let faults = faults.join(",");
    let arguments = [
        "--pair",
        behind,
        "--seconds",
        "1",
        "--seed",
        "1",
        "--lease",
        "1s",
        "--users",
        "6",
        "--faults",
        &faults,
    ];
    let outcome = run(&mut history(&arguments), "");
    let text = outcome.text();
    assert_eq!(outcome.status, 0, "{text}");
    assert_eq!(outcome.line("violations: "), "none");
    let happened = outcome.line("faults: ");
    for fault in faults.split(',') {
        assert!(
            happened.split(", ").any(|count| count.starts_with(fault)),
            "{fault} did not happen:\n{text}"
        );
        // How long that was depends on the machine, and is for a person to read.
        assert!(!outcome.line(&format!("503 during {fault}, ")).is_empty());
    }
}

#[test]
fn every_promise_is_kept_while_a_pair_fails_over() {
    every_promise_is_kept(
        "hosts",
        &[
            "killed-primary",
            "switched-over",
            "stopped-primary",
            "returned-primary",
            "lost-standby",
            "stopped-standby",
            "second-attempt",
        ],
    );
}

#[test]
fn every_promise_is_kept_behind_a_proxy_that_ends_the_sessions_of_a_former_primary() {
    if find_program(&["haproxy"], "-v").is_some() {
        every_promise_is_kept(
            "haproxy",
            &["killed-primary", "stopped-primary", "returned-primary"],
        );
    }
}
