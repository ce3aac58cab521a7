use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A moment, in nanoseconds on the machine's boot clock. All processes of a run are on one machine and read the same
/// clock, so that their stamps compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stamp(pub(crate) u64);

// It has to run on through a suspend, as leases do: one that stands still would call an accept hours after the
// acknowledgement punctual. Not the code that the services read it by: a mistake there must not hide itself here.
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
    "no clock of this system is known to run on through a suspend (CLOCK_BOOTTIME): nothing could be judged"
);

impl Stamp {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(CLOCK);
        // Neither is negative: the clock counts from zero.
        Self(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    /// The time since an earlier moment; none if that is the later one.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// In seconds of uptime, with all digits: two events of interest may be microseconds apart.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}
