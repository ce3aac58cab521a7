//! What the driver and its verifier processes tell each other: one JSON document a line.

use crate::clock::Stamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a token in a run. The text goes over the pipe once, and into no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct TokenNumber(pub(crate) u32);

impl fmt::Display for TokenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.0)
    }
}

/// What can be taken from a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Right {
    /// To be accepted at all.
    Use,
    /// To be accepted with the scope [`WRITE`].
    Write,
}

/// The scope that is taken from users and given back.
pub(crate) const WRITE: &str = "notes:write";

/// Since when each right is acknowledged to be gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) use_: Option<Stamp>,
    pub(crate) write: Option<Stamp>,
}

impl Gone {
    pub(crate) fn of(&mut self, right: Right) -> &mut Option<Stamp> {
        match right {
            Right::Use => &mut self.use_,
            Right::Write => &mut self.write,
        }
    }
}

/// To a verifier process.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Check this token from now on.
    Check {
        token: TokenNumber,
        text: String,
        gone: Gone,
    },
    /// Its revocation is about to be asked for: report every round's news of it, lest a `kill -9` take them away.
    Revoking(TokenNumber),
    /// The revocation was acknowledged: report an accept that starts later at once.
    Gone {
        token: TokenNumber,
        right: Right,
        at: Stamp,
    },
    /// The right is about to be given back.
    Back { token: TokenNumber, right: Right },
    /// Check it no more.
    Forget(TokenNumber),
}

/// From a verifier process.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) tally: Tally,
}

/// What became of the checks of one token since the last report of one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) token: TokenNumber,
    pub(crate) accepted: Option<Checks>,
    pub(crate) with_write: Option<Checks>,
    pub(crate) refused: Option<Checks>,
}

/// Checks with one outcome: the one that ended first, and the one that began last. Whether one of them lies in a period
/// can be told from these two, as long as the period does not begin and end between two reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checks {
    pub(crate) first_to_end: Check,
    pub(crate) last_to_start: Check,
}

/// When one check began and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) start: Stamp,
    pub(crate) end: Stamp,
}

/// How many checks there were since the last report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Accepted without having to wait for anything.
    pub(crate) hits: u64,
    /// Accepted after a wait.
    pub(crate) looked_up: u64,
    pub(crate) refused: u64,
    pub(crate) unavailable: u64,
    /// From an answer "unavailable" to the next one that was none, in nanoseconds, summed up.
    pub(crate) unavailable_nanos: u64,
}

impl Sighting {
    pub(crate) fn nothing(token: TokenNumber) -> Self {
        Self {
            token,
            accepted: None,
            with_write: None,
            refused: None,
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.looked_up += other.looked_up;
        self.refused += other.refused;
        self.unavailable += other.unavailable;
        self.unavailable_nanos += other.unavailable_nanos;
    }

    pub(crate) fn checks(&self) -> u64 {
        self.hits + self.looked_up + self.refused + self.unavailable
    }
}

impl Checks {
    /// Adds a check to those there are, if any.
    pub(crate) fn note(checks: &mut Option<Self>, check: Check) {
        match checks {
            Some(checks) => checks.add(check),
            none => *none = Some(Self::one(check)),
        }
    }

    pub(crate) fn one(check: Check) -> Self {
        Self {
            first_to_end: check,
            last_to_start: check,
        }
    }

    fn add(&mut self, check: Check) {
        if check.end < self.first_to_end.end {
            self.first_to_end = check;
        }
        if check.start > self.last_to_start.start {
            self.last_to_start = check;
        }
    }
}
