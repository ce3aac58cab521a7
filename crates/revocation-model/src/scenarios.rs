//! The scenarios. Each has the faults of one kind, since every further one multiplies the states.

use crate::scenario::{Change, Faults, Scenario};
use clap::ValueEnum;

/// How much is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// What the tests check: a minute or two.
    #[default]
    Small,
    /// Longer leases, more faults at once, more changes: see the README for how long it takes.
    Large,
}

const NO_FAULTS: Faults = Faults {
    disconnects: 0,
    crashes: 0,
    server_crashes: 0,
    lost_replies: 0,
};

/// The simplest.
pub(crate) const BASE: Scenario = Scenario {
    name: "one-change",
    leases: &[2],
    changes: &[Change::Revoke],
    queries: 2,
    incarnations: 1,
    faults: NO_FAULTS,
    purges: false,
    gives_up: false,
};

/// The scenarios of that size.
#[must_use]
pub fn scenarios(size: Size) -> Vec<Scenario> {
    match size {
        Size::Small => small(),
        Size::Large => large(),
    }
}

/// The small scenario of that name.
pub(crate) fn find_scenario(name: &str) -> Option<Scenario> {
    small().into_iter().find(|scenario| scenario.name == name)
}

fn small() -> Vec<Scenario> {
    let one_tick = Scenario {
        leases: &[1],
        queries: 1,
        ..BASE
    };
    vec![
        BASE,
        Scenario {
            name: "lost-reply",
            faults: Faults {
                lost_replies: 1,
                ..NO_FAULTS
            },
            ..BASE
        },
        Scenario {
            name: "disconnect",
            queries: 1,
            incarnations: 2,
            faults: Faults {
                disconnects: 1,
                ..NO_FAULTS
            },
            ..BASE
        },
        Scenario {
            name: "crash",
            queries: 1,
            incarnations: 2,
            faults: Faults {
                crashes: 1,
                ..NO_FAULTS
            },
            ..BASE
        },
        Scenario {
            name: "server-crash",
            queries: 1,
            incarnations: 2,
            faults: Faults {
                server_crashes: 1,
                ..NO_FAULTS
            },
            ..BASE
        },
        Scenario {
            name: "server-crash-give-up",
            faults: Faults {
                server_crashes: 1,
                ..NO_FAULTS
            },
            gives_up: true,
            ..one_tick.clone()
        },
        Scenario {
            name: "give-up",
            incarnations: 2,
            gives_up: true,
            ..one_tick.clone()
        },
        Scenario {
            name: "purge",
            purges: true,
            ..BASE
        },
        Scenario {
            name: "two-verifiers",
            leases: &[1, 1],
            purges: true,
            ..one_tick.clone()
        },
        Scenario {
            name: "interleaved-commits",
            changes: &[Change::Revoke, Change::Elsewhere],
            ..one_tick.clone()
        },
        Scenario {
            name: "dead-node",
            changes: &[Change::Elsewhere, Change::Revoke],
            ..one_tick.clone()
        },
        Scenario {
            name: "disable-enable",
            changes: &[Change::Revoke, Change::Restore],
            ..one_tick.clone()
        },
        Scenario {
            name: "other-scopes",
            changes: &[Change::Rescope, Change::Revoke],
            ..one_tick
        },
    ]
}

fn large() -> Vec<Scenario> {
    let one_tick = Scenario {
        leases: &[1],
        queries: 1,
        ..BASE
    };
    vec![
        Scenario {
            name: "long-lease",
            leases: &[4],
            faults: Faults {
                lost_replies: 2,
                ..NO_FAULTS
            },
            purges: true,
            ..BASE
        },
        Scenario {
            name: "long-interleaved-commits",
            leases: &[2],
            changes: &[Change::Revoke, Change::Elsewhere],
            ..one_tick.clone()
        },
        Scenario {
            name: "long-dead-node",
            leases: &[2],
            changes: &[Change::Elsewhere, Change::Revoke],
            ..one_tick.clone()
        },
        Scenario {
            name: "unequal-verifiers",
            leases: &[2, 1],
            purges: true,
            faults: Faults {
                lost_replies: 1,
                ..NO_FAULTS
            },
            ..one_tick.clone()
        },
        Scenario {
            name: "two-disconnects",
            leases: &[2],
            incarnations: 3,
            faults: Faults {
                disconnects: 2,
                ..NO_FAULTS
            },
            ..one_tick.clone()
        },
        Scenario {
            name: "every-fault",
            incarnations: 2,
            faults: Faults {
                disconnects: 1,
                crashes: 1,
                server_crashes: 1,
                lost_replies: 1,
            },
            purges: true,
            ..one_tick.clone()
        },
        Scenario {
            name: "dead-node-disconnect",
            changes: &[Change::Elsewhere, Change::Revoke],
            incarnations: 2,
            faults: Faults {
                disconnects: 1,
                ..NO_FAULTS
            },
            ..one_tick.clone()
        },
        Scenario {
            name: "long-server-crash-give-up",
            leases: &[2],
            faults: Faults {
                server_crashes: 1,
                ..NO_FAULTS
            },
            gives_up: true,
            ..one_tick.clone()
        },
        Scenario {
            name: "three-commits",
            changes: &[Change::Elsewhere, Change::Revoke, Change::Elsewhere],
            ..one_tick.clone()
        },
        Scenario {
            name: "disable-enable-disconnect",
            changes: &[Change::Revoke, Change::Restore],
            incarnations: 2,
            faults: Faults {
                disconnects: 1,
                ..NO_FAULTS
            },
            ..one_tick
        },
    ]
}
