//! Rate limits against brute force: how many sign-ins may fail. These are the rules; the database counts, for all
//! instances together.
//!
//! An attempt is *in flight* from before its password is hashed until it is known what has become of it. Attempts in
//! flight are no failures, and yet no more of them are let through than may fail: those beyond wait for one to be decided.

mod account;
mod in_flight;
mod network;

pub use account::AccountAttempts;
pub use in_flight::{IN_FLIGHT, InFlight, Outcome};
pub use network::NetworkAttempts;

use std::time::Duration;

/// How long an account is blocked after the last failure that may be, and how long its failures count.
pub const LOCKOUT: Duration = Duration::from_secs(24 * 3600);

/// How long it takes until a network's failures do not count any more.
pub const NETWORK_WINDOW: Duration = Duration::from_secs(3600);

/// How long an account is remembered to have signed in from a network.
pub const KNOWN_NETWORK: Duration = Duration::from_secs(90 * 24 * 3600);

/// The delay after the first failure that has one; it doubles with each.
const FIRST_DELAY: Duration = Duration::from_secs(30);

/// The longest delay before the lock-out.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// How long an account is blocked after so many failures in a row, of which there may be `limit`: not at all after the
/// first quarter, then exponential backoff up to a quarter of an hour, and after the last for a day.
#[must_use]
pub fn lockout(failures: u32, limit: u32) -> Duration {
    let at_once = (limit / 4).max(1);
    if failures >= limit {
        LOCKOUT
    } else if failures < at_once {
        Duration::ZERO
    } else {
        let doubled = 2_u32.saturating_pow(failures - at_once);
        FIRST_DELAY.saturating_mul(doubled).min(LONGEST_DELAY)
    }
}

/// How many attempts may be in flight at once after so many failures in a row, while the account is not blocked: as many as
/// may fail before the next delay.
#[must_use]
pub fn at_once(failures: u32, limit: u32) -> u32 {
    (limit / 4).max(1).saturating_sub(failures).max(1)
}

/// Whether an attempt may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Free,
    /// It may be, or not: that depends on what becomes of those in flight.
    Busy,
    /// It may not: too many have failed. Another may after this time.
    Blocked(Duration),
}

/// How far apart two readings of one clock may be that are of the same time: a transaction's time is that of its beginning,
/// and then it may wait for a lock. What is further in the future was written while the clock was wrong.
const SAME_TIME: Duration = Duration::from_secs(60);

/// A leaky bucket: each failure fills it by one, and it leaks all the time. What would make it run over must wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakyBucket {
    /// How many failures it holds.
    pub capacity: f64,
    /// How many leak out in a second.
    pub leak_per_sec: f64,
}

impl LeakyBucket {
    /// A network's, from which so many sign-ins may fail in an hour.
    #[must_use]
    pub fn of_network(limit: u32) -> Self {
        Self::over(limit, NETWORK_WINDOW)
    }

    /// A user's, who may do so many things in an hour that are written down.
    #[must_use]
    pub fn hourly(limit: u32) -> Self {
        Self::over(limit, Duration::from_secs(3600))
    }

    fn over(limit: u32, time: Duration) -> Self {
        let capacity = f64::from(limit);
        Self {
            capacity,
            leak_per_sec: capacity / time.as_secs_f64(),
        }
    }

    /// How long it takes at this level until one more fits; zero where one does.
    #[must_use]
    pub fn wait(self, level: f64) -> Duration {
        Duration::try_from_secs_f64((level + 1.0 - self.capacity) / self.leak_per_sec)
            .unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn a_quarter_at_once_then_ever_longer_delays_then_none_for_a_day() {
        // The limit, the failures, and the seconds after each of them.
        let table: [(u32, &[(u32, u64)]); 4] = [
            (4, &[(0, 0), (1, 30), (2, 60), (3, 120), (4, DAY)]),
            (7, &[(0, 0), (1, 30), (5, 480), (6, 900), (7, DAY)]),
            (
                20,
                &[
                    (4, 0),
                    (5, 30),
                    (6, 60),
                    (7, 120),
                    (8, 240),
                    (9, 480),
                    (10, 900),
                    (19, 900),
                    (20, DAY),
                ],
            ),
            (
                100,
                &[
                    (24, 0),
                    (25, 30),
                    (29, 480),
                    (30, 900),
                    (99, 900),
                    (100, DAY),
                    (u32::MAX, DAY),
                ],
            ),
        ];
        for (limit, delays) in table {
            for &(failures, secs) in delays {
                let right = Duration::from_secs(secs);
                assert_eq!(lockout(failures, limit), right, "{failures} of {limit}");
            }
        }
    }

    #[test]
    fn as_many_at_once_as_may_fail_before_the_next_delay() {
        for limit in 0..=120 {
            let mut failures = 0;
            while lockout(failures + 1, limit).is_zero() {
                assert_eq!(at_once(failures, limit), at_once(0, limit) - failures);
                failures += 1;
            }
            assert_eq!(at_once(0, limit), failures + 1);
            for failures in [failures, failures + 1, limit, u32::MAX] {
                assert_eq!(at_once(failures, limit), 1, "{failures} of {limit}");
            }
        }
    }

    #[test]
    fn another_failure_never_shortens_the_delay() {
        for limit in 0..=200 {
            let delays: Vec<_> = (0..=limit + 1).map(|failures| lockout(failures, limit)).collect();
            assert!(delays.is_sorted(), "{limit}: {delays:?}");
        }
    }

    #[test]
    fn a_network_that_has_used_up_its_hour_waits_for_its_share() {
        let bucket = LeakyBucket::of_network(60);
        // The level, and the seconds until there is room for one more.
        for (level, secs) in [(0.0, 0), (59.0, 0), (59.5, 30), (60.0, 60), (120.0, 3660)] {
            let wait = bucket.wait(level);
            assert_eq!(wait.as_secs_f64().round() as u64, secs, "{level}");
        }
    }
}
