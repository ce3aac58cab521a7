use crate::jeton::Jeton;
use jeton_proof_support::execute;
use serde_json::Value;

fn with_failures() -> Jeton {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO network_attempts (network, failures, last_at) VALUES
            ('203.0.113.9', 300, now()), ('2001:db8:1:2::/64', 7, now()), ('198.51.100.7', 3, now() - interval '1 hour')",
    );
    jeton
}

#[test]
fn network_list_tells_what_counts_and_what_is_blocked() {
    let jeton = with_failures();
    let list = jeton.run("network list").ok();
    let lines: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["NETWORK", "FAILURES", "BLOCKED", "FOR", "LAST"]);
    assert_eq!(lines[1][..2], ["203.0.113.9", "300"]);
    assert!(lines[1][2].ends_with('s'), "{list}");
    assert_eq!(lines[2][..3], ["2001:db8:1:2::/64", "7", "-"]);
    assert_eq!(lines.len(), 3, "{list}");

    let json: Value = serde_json::from_str(&jeton.run("network list --json --limit 1").ok()).unwrap();
    let networks = json["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 1);
    assert_eq!(networks[0]["network"], "203.0.113.9");
    let blocked_for = networks[0]["blocked_for"].as_u64().unwrap();
    assert!((1..=12).contains(&blocked_for), "{blocked_for}");
    // By the limit that the service has.
    let json = jeton
        .run("network list --json --limit 1 --network-failures 1000")
        .ok();
    assert!(json.contains(r#""blocked_for":null"#), "{json}");
}

#[test]
fn network_unblock_forgets_the_failures_from_an_address() {
    let jeton = with_failures();
    assert_eq!(
        jeton.run("network unblock 2001:db8:1:2:3::4").ok(),
        "unblocked 2001:db8:1:2::/64\n"
    );
    for unblocked in ["unblocked 203.0.113.9\n", "nothing has failed from 203.0.113.9\n"] {
        assert_eq!(jeton.run("network unblock 203.0.113.9").ok(), unblocked);
    }
    let list = jeton.run("network list").ok();
    assert_eq!(list.lines().count(), 1, "{list}");
    // As it was listed.
    assert_eq!(
        jeton.run("network unblock 2001:db8:1:2::/64").ok(),
        "nothing has failed from 2001:db8:1:2::/64\n"
    );
    assert_eq!(jeton.run("network unblock 203.0.113").status, 2);
    let events: Value =
        serde_json::from_str(&jeton.run("audit --json --action network-unblocked").ok()).unwrap();
    let networks: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["detail"]["network"])
        .collect();
    assert_eq!(networks, ["203.0.113.9", "2001:db8:1:2::/64"]);
}

/// Whatever somebody has written into the table.
#[test]
fn network_unblock_takes_what_network_list_prints() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO network_attempts (network, failures, last_at) SELECT network::inet, 7, now() FROM unnest(
            '{fe80::1, fe80::/64, 10.1.2.0/24, 10.1.2.3/24, ::/0, 0.0.0.0/0, ::ffff:192.0.2.1, 2001:db8::1/64}'::text[])
            AS network",
    );
    let list = || {
        let json: Value = serde_json::from_str(&jeton.run("network list --json").ok()).unwrap();
        let networks = json["networks"].as_array().unwrap().iter();
        let networks = networks.map(|one| one["network"].as_str().unwrap().to_owned());
        networks.collect::<Vec<_>>()
    };
    assert_eq!(list().len(), 8);
    // The address, and what it counts for.
    assert_eq!(
        jeton.run("network unblock fe80::1").ok(),
        "unblocked fe80::/64\nunblocked fe80::1\n"
    );
    let rest = list();
    assert_eq!(rest.len(), 6);
    for network in &rest {
        assert_eq!(
            jeton.run(&format!("network unblock {network}")).ok(),
            format!("unblocked {network}\n")
        );
        assert_eq!(
            jeton.run(&format!("network unblock {network}")).status,
            0,
            "{network}"
        );
    }
    assert_eq!(list(), [""; 0]);
}
