//! How much of everything is done, and for how long.

use std::time::Duration;

/// The sizes of one run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// How often all contenders are measured, one after the other.
    pub(crate) rounds: usize,
    /// How long one contender is measured at a time, and how long it runs before.
    pub(crate) slice: Duration,
    pub(crate) warm_up: Duration,
    /// How many requests are under way at once.
    pub(crate) connections: usize,
    /// Rows of the table that the contenders ask, and tokens of the larger cache.
    pub(crate) rows: usize,
    /// Rows of the small table, and tokens of the smaller cache.
    pub(crate) few_rows: usize,
    /// Rows of the large table; `None`: the one of `rows` stands for it.
    pub(crate) large_rows: Option<usize>,
    pub(crate) bcrypt_cost: u32,
    pub(crate) login_rounds: usize,
    pub(crate) login_slice: Duration,
    /// Revocations are measured with so many verifiers, one number after the other: only ever more. There are targets for
    /// the second and the third.
    pub(crate) verifiers: [usize; 3],
    /// Logouts for each number of verifiers.
    pub(crate) logouts: usize,
    /// How long a verifier is watched that has nothing to do.
    pub(crate) idle_time: Duration,
    /// Connections of the flood that logouts go on beside, and how long they do at the most.
    pub(crate) flood: usize,
    pub(crate) flood_time: Duration,
    /// And such as come alone, after a second without any.
    pub(crate) logouts_alone: usize,
    /// How many grants there are whose tokens are refreshed, and in how many rounds.
    pub(crate) grants: usize,
    pub(crate) refresh_rounds: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Too short to mean anything.
    Quick,
    Full,
}

/// How many tokens a service knows in the runs where it knows them.
pub(crate) const KNOWN_TOKENS: usize = 1000;

impl Plan {
    pub(crate) fn full(large: bool) -> Self {
        Self {
            kind: Kind::Full,
            rounds: 7,
            slice: Duration::from_millis(2000),
            warm_up: Duration::from_millis(300),
            connections: 64,
            rows: 1_000_000,
            few_rows: 10_000,
            large_rows: large.then_some(10_000_000),
            bcrypt_cost: 12,
            login_rounds: 3,
            login_slice: Duration::from_secs(8),
            verifiers: [1, 8, 64],
            logouts: 300,
            idle_time: Duration::from_secs(20),
            flood: 4000,
            flood_time: Duration::from_secs(15),
            logouts_alone: 20,
            grants: 100_000,
            refresh_rounds: 5,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            kind: Kind::Quick,
            rounds: 2,
            slice: Duration::from_millis(300),
            warm_up: Duration::from_millis(100),
            rows: 60_000,
            bcrypt_cost: 8,
            login_rounds: 1,
            login_slice: Duration::from_millis(800),
            verifiers: [1, 4, 8],
            logouts: 20,
            idle_time: Duration::from_secs(2),
            flood: 200,
            flood_time: Duration::from_secs(2),
            logouts_alone: 1,
            grants: 4_000,
            refresh_rounds: 2,
            ..Self::full(false)
        }
    }
}
