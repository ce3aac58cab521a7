use crate::support::history;
use jeton_proof_support::run;

/// Each has to have happened.
const FAULTS: [&str; 17] = [
    "stopped-verifier",
    "killed-verifier",
    "cut-verifier",
    "reset-verifier",
    "slow-verifier",
    "held-reply",
    "joining-verifier",
    "restarted-postgres",
    "crashed-postgres",
    "stopped-postgres",
    "killed-auth",
    "stopped-auth",
    "cut-auth",
    "long-transaction",
    "sql-delete",
    "sql-update",
    "sql-old-snapshot",
];

#[test]
fn every_promise_is_kept_for_half_a_minute_of_faults() {
    let arguments = ["--seconds", "30", "--seed", "1", "--allowance", "8s"];
    let outcome = run(&mut history(&arguments), "");
    let text = outcome.text();
    assert_eq!(outcome.status, 0, "{text}");
    assert_eq!(outcome.line("violations: "), "none");
    let (_, hits) = outcome.line("checks: ").split_once('(').unwrap();
    let hits: f64 = hits.split_once(" %").unwrap().0.parse().unwrap();
    assert!(hits > 80.0, "most checks should be answered from memory:\n{text}");

    let faults = outcome.line("faults: ");
    for fault in FAULTS {
        assert!(
            faults.split(", ").any(|count| count.starts_with(fault)),
            "{fault} did not happen:\n{text}"
        );
    }
}
