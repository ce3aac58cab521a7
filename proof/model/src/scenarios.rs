//! The scenarios. Each has the faults of one kind, since every further one multiplies the states.

use crate::scenario::{Change, Faults, Scenario};
use clap::ValueEnum;

/// How much is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// What the tests check: a minute of one core.
    #[default]
    Small,
    /// Longer leases, more faults at once, more changes: see the README for how long it takes.
    Large,
}

const NO_FAULTS: Faults = Faults {
    disconnects: 0,
    crashes: 0,
    server_crashes: 0,
    fail_overs: 0,
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

/// A shorter lease, which two of anything make up for.
const ONE_TICK: Scenario = Scenario {
    leases: &[1],
    queries: 1,
    ..BASE
};

static SMALL: [Scenario; 13] = [
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
        name: "fail-over",
        incarnations: 2,
        faults: Faults {
            fail_overs: 1,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "give-up",
        incarnations: 2,
        gives_up: true,
        ..ONE_TICK
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
        ..ONE_TICK
    },
    Scenario {
        name: "interleaved-commits",
        changes: &[Change::Revoke, Change::Elsewhere],
        ..ONE_TICK
    },
    Scenario {
        name: "dead-node",
        changes: &[Change::Elsewhere, Change::Revoke],
        ..ONE_TICK
    },
    Scenario {
        name: "disable-enable",
        changes: &[Change::Revoke, Change::Restore],
        ..ONE_TICK
    },
    Scenario {
        name: "other-scopes",
        changes: &[Change::Rescope, Change::Revoke],
        ..ONE_TICK
    },
];

static LARGE: [Scenario; 11] = [
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
        ..ONE_TICK
    },
    Scenario {
        name: "long-dead-node",
        leases: &[2],
        changes: &[Change::Elsewhere, Change::Revoke],
        ..ONE_TICK
    },
    Scenario {
        name: "unequal-verifiers",
        leases: &[2, 1],
        purges: true,
        faults: Faults {
            lost_replies: 1,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "two-disconnects",
        leases: &[2],
        incarnations: 3,
        faults: Faults {
            disconnects: 2,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "disconnect-crash",
        incarnations: 2,
        faults: Faults {
            disconnects: 1,
            crashes: 1,
            lost_replies: 1,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "disconnect-server-crash",
        incarnations: 2,
        faults: Faults {
            disconnects: 1,
            server_crashes: 1,
            ..NO_FAULTS
        },
        purges: true,
        ..ONE_TICK
    },
    Scenario {
        name: "long-fail-over",
        leases: &[2],
        incarnations: 3,
        faults: Faults {
            fail_overs: 1,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "dead-node-disconnect",
        changes: &[Change::Elsewhere, Change::Revoke],
        incarnations: 2,
        faults: Faults {
            disconnects: 1,
            ..NO_FAULTS
        },
        ..ONE_TICK
    },
    Scenario {
        name: "server-crash-give-up",
        faults: Faults {
            server_crashes: 1,
            ..NO_FAULTS
        },
        gives_up: true,
        ..ONE_TICK
    },
    Scenario {
        name: "long-server-crash-give-up",
        leases: &[2],
        faults: Faults {
            server_crashes: 1,
            ..NO_FAULTS
        },
        gives_up: true,
        ..ONE_TICK
    },
];

/// The scenarios of that size.
pub fn scenarios(size: Size) -> &'static [Scenario] {
    match size {
        Size::Small => &SMALL,
        Size::Large => &LARGE,
    }
}

/// The scenario of that name.
pub(crate) fn find_scenario(name: &str) -> Option<Scenario> {
    let mut all = SMALL.iter().chain(&LARGE);
    all.find(|scenario| scenario.name == name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mutant;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let all = || SMALL.iter().chain(&LARGE).map(|scenario| scenario.name);
        assert_eq!(all().collect::<BTreeSet<_>>().len(), all().count());
    }

    #[test]
    fn a_mutant_is_shown_where_it_says() {
        assert_eq!(Mutant::HighWaterMark.scenario().name, "interleaved-commits");
        assert_eq!(Mutant::NoBarrier.scenario().name, BASE.name);
    }
}
