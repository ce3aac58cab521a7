use super::SAME_TIME;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How long an attempt may be in flight. One that is in flight for longer was lost with its process, as far as anybody
/// knows, and counts as failed.
pub const IN_FLIGHT: Duration = Duration::from_secs(60);

/// What becomes of an attempt that was in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts from now on.
    Failed,
    /// It was none after all. What others have failed with still counts.
    TakenBack,
    /// The right password was given, and somebody let in: the account's failures are forgotten.
    Succeeded,
}

/// The attempts in flight, oldest first. Each is known by when it began, to the microsecond, which no two share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InFlight(Vec<DateTime<Utc>>);

impl InFlight {
    /// Those that began then.
    #[must_use]
    pub fn new(mut since: Vec<DateTime<Utc>>) -> Self {
        since.sort_unstable();
        Self(since)
    }

    /// When they began.
    #[must_use]
    pub fn since(&self) -> &[DateTime<Utc>] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the one that began then has ended: it is not in flight, and was not lost.
    #[must_use]
    pub fn has_ended(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        !self.0.contains(&since) && !is_lost(since, now)
    }

    /// One more, from now on: what it is known by.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        let next = self.0.last().map(|last| *last + TimeDelta::microseconds(1));
        let since = next.map_or(now, |next| next.max(now));
        self.0.push(since);
        since
    }

    /// One less. `false`: it has ended before, or was lost.
    pub(super) fn end(&mut self, since: DateTime<Utc>) -> bool {
        let before = self.0.len();
        self.0.retain(|other| *other != since);
        self.0.len() < before
    }

    /// Takes out those that were lost: when each of them failed by that, in order.
    pub(super) fn take_lost(&mut self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let lost = self.0.extract_if(.., |since| is_lost(*since, now));
        // One from the future began when the clock was wrong.
        lost.map(|since| (since + IN_FLIGHT).min(now)).collect()
    }
}

/// Whether one that began then is not waited for any more.
pub(super) fn is_lost(since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    since + IN_FLIGHT <= now || since > now + SAME_TIME
}
