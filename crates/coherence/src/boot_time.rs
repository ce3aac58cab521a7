use rustix::time::{ClockId, clock_gettime};
use std::ops::Add;
use std::time::Duration;

// Which clock goes on while the machine is suspended differs: clock_gettime(2) of Linux and of OpenBSD, and
// clock_gettime(3) of macOS, whose monotonic clock "will continue to increment while the system is asleep". FreeBSD's
// stand still meanwhile, its CLOCK_BOOTTIME as well; of other systems nothing is known.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "openbsd"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(target_vendor = "apple")]
const CLOCK: ClockId = ClockId::Monotonic;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "openbsd",
    target_vendor = "apple"
)))]
compile_error!(
    "a revoked token might be accepted after a suspend: no clock of this system is known to count one (CLOCK_BOOTTIME)"
);

/// A moment by the clock that runs since the machine was started, through suspends, and that nobody can set: the one
/// that leases are counted by. Comparable on one machine until its next start, nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(u64);

impl BootTime {
    /// The start of the machine: before every other moment.
    pub const ZERO: Self = Self(0);
    /// After every other moment.
    pub const NEVER: Self = Self(u64::MAX);

    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(CLOCK);
        // Neither is negative: the clock counts from zero.
        Self(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    /// As nanoseconds since the start, for keeping in an atomic.
    #[must_use]
    pub fn as_nanos(self) -> u64 {
        self.0
    }

    /// The other way round.
    #[must_use]
    pub fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// How long before this the other was; zero where it was not before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for BootTime {
    type Output = Self;

    /// Saturates at [`NEVER`](Self::NEVER).
    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_forward_and_ends_at_never() {
        let first = BootTime::now();
        let second = BootTime::now();
        assert!(BootTime::ZERO < first && first <= second && second < BootTime::NEVER);
        assert_eq!(first.since(first + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(
            (first + Duration::from_secs(1)).since(first),
            Duration::from_secs(1)
        );
        assert_eq!(first + Duration::MAX, BootTime::NEVER);
        assert_eq!(BootTime::from_nanos(first.as_nanos()), first);
    }
}
