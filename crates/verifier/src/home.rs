//! The process that a verifier belongs to. One that was forked from it has the memory and none of the threads: nothing is
//! forgotten there, and no revocation waits for it.

use jeton_coherence::BootTime;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often a check that is answered from memory looks which process it is in: a system call, which would cost it as much
/// as the check itself.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) struct Home {
    process: u32,
    /// Until when it is taken to be this one.
    looked_until: AtomicU64,
    said: AtomicBool,
}

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        Self::of(std::process::id())
    }

    fn of(process: u32) -> Self {
        Self {
            process,
            looked_until: AtomicU64::new(0),
            said: AtomicBool::new(false),
        }
    }

    /// That of another process.
    #[cfg(test)]
    pub(crate) fn of_another() -> Self {
        Self::of(std::process::id() + 1)
    }

    /// Whether this is another process.
    pub(crate) fn is_elsewhere(&self) -> bool {
        std::process::id() != self.process
    }

    /// Whether this process has inherited the verifier. Says so in the log, once.
    pub(crate) fn is_left(&self) -> bool {
        let left = self.is_elsewhere();
        if left && !self.said.swap(true, Ordering::Relaxed) {
            tracing::error!(
                connected_in = self.process,
                process = std::process::id(),
                "this process was forked after its verifier had connected: tokens cannot be checked here; connect a \
                verifier in each process, after the fork"
            );
        }
        left
    }

    /// The same, as it was at most [`LOOK_EVERY`] ago.
    #[inline]
    pub(crate) fn was_left(&self, now: BootTime) -> bool {
        now.as_nanos() >= self.looked_until.load(Ordering::Relaxed) && self.look(now)
    }

    #[cold]
    fn look(&self, now: BootTime) -> bool {
        let left = self.is_left();
        if !left {
            let until = (now + LOOK_EVERY).as_nanos();
            self.looked_until.store(until, Ordering::Relaxed);
        }
        left
    }
}

#[cfg(test)]
mod tests;
