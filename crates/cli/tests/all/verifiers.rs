use crate::jeton::Jeton;
use jeton_proof_support::{execute, text};
use serde_json::Value;

const REGISTERED: &str = "INSERT INTO verifiers (id, name, lease_ms, created_at) VALUES \
    ('01a20a08-0000-7000-8000-000000000001', 'shop-api@web-1', 10000, '2026-11-24T08:10:55Z'), \
    ('01a20a08-0000-7000-8000-000000000002', 'blog@web-2', 500, '2026-11-24T08:10:56Z')";

#[test]
fn list_tells_who_has_registered_newest_first() {
    let jeton = Jeton::new();
    assert_eq!(
        jeton.run("verifier list --json").json(),
        serde_json::json!({ "verifiers": [] })
    );
    execute(&mut jeton.connect(), REGISTERED);
    let role = text(&mut jeton.connect(), "SELECT current_user");

    let listed = jeton.run("verifier list --json").json();
    let names: Vec<&Value> = listed["verifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["blog@web-2", "shop-api@web-1"]);
    assert_eq!(
        listed["verifiers"][1],
        serde_json::json!({
            "id": "01a20a08-0000-7000-8000-000000000001",
            "name": "shop-api@web-1",
            "role": role,
            "lease_ms": 10000,
            "registered_at": "2026-11-24T08:10:55Z",
        })
    );
    let said = jeton.run("verifier list").ok();
    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["ID", "NAME", "ROLE", "LEASE", "REGISTERED"]);
    assert_eq!(
        lines[1][1..],
        ["blog@web-2", &role, "500ms", "2026-11-24T08:10:56Z"]
    );
}
