//! What counts for networks is seen and forgotten by whoever operates.

use super::*;
use jeton_persistence::PgConnection;
use jeton_persistence::rate_limit::{list_networks, network_text, unblock_network};

/// Each network, how many count, and whether it is blocked.
fn listed(connection: &mut PgConnection, most: u32) -> Vec<(String, f64, bool)> {
    let found = list_networks(connection, LIMITS.network, most).unwrap();
    let seen = found.into_iter().map(|limit| {
        (
            network_text(limit.network),
            limit.failures.ceil(),
            limit.blocked.is_some(),
        )
    });
    seen.collect()
}

const HOME: &str = "2001:db8:1:2::3";

fn fail(connection: &mut PgConnection, address: &str, times: u32) {
    for i in 0..times {
        assert_eq!(
            attempt(connection, address, &named(&format!("user{i}-{times}"))),
            0
        );
    }
}

#[test]
fn networks_are_listed_those_that_most_counts_for_first() {
    let (_, connection) = &mut database();
    assert_eq!(listed(connection, 50), []);
    fail(connection, HERE, 3);
    fail(connection, HOME, 60);
    fail(connection, THERE, 7);
    let all = [
        ("2001:db8:1:2::/64".to_owned(), 60.0, true),
        (THERE.to_owned(), 7.0, false),
        (HERE.to_owned(), 3.0, false),
    ];
    assert_eq!(listed(connection, 50), all);
    assert_eq!(listed(connection, 1), all[..1]);
    // Rows of a clock that was ahead are of now.
    execute(
        connection,
        "UPDATE network_attempts SET last_at = last_at + interval '1 year'",
    );
    assert_eq!(listed(connection, 50), all);
    pass(connection, "1 year 1 hour");
    assert_eq!(listed(connection, 50), []);
}

#[test]
fn an_unblocked_network_is_let_in_at_once() {
    let (_, connection) = &mut database();
    for (address, another) in [
        (HERE, HERE),
        (HOME, "2001:db8:1:2:ffff::1"),
        (THERE, "::ffff:198.51.100.7"),
    ] {
        fail(connection, address, 60);
        assert_ne!(attempt(connection, address, &named("ada")), 0);
        assert_eq!(unblock_network(connection, &CLI, one(another)).unwrap().len(), 1);
        assert_eq!(attempt(connection, address, &named("ada")), 0);
    }
    let written = "SELECT string_agg(concat_ws(' ', actor_label, detail->>'network'), ', ' ORDER BY at, id) \
        FROM audit_events WHERE action = 'network-unblocked'";
    assert_eq!(
        text(connection, written),
        format!("cli {HERE}, cli 2001:db8:1:2::/64, cli {THERE}")
    );
    let nothing = one("192.0.2.200");
    assert_eq!(unblock_network(connection, &CLI, nothing).unwrap(), []);
    assert_eq!(
        rows(connection, "audit_events WHERE action = 'network-unblocked'"),
        3
    );
}
