use crate::support::{PROGRAM, history, line, text};

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
    let output = history(PROGRAM, &["--seconds", "30", "--seed", "1", "--allowance", "8s"])
        .output()
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(line(&text, "violations: "), "none");
    let (_, hits) = line(&text, "checks: ").split_once('(').unwrap();
    let hits: f64 = hits.split_once(" %").unwrap().0.parse().unwrap();
    assert!(hits > 80.0, "most checks should be answered from memory:\n{text}");

    let faults = line(&text, "faults: ");
    for fault in FAULTS {
        assert!(
            faults.split(", ").any(|count| count.starts_with(fault)),
            "{fault} did not happen:\n{text}"
        );
    }
}
