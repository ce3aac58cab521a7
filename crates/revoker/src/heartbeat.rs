//! How long to wait for a thread that may be stuck.

use crate::barrier::STATEMENT_TIMEOUT;
use jeton_coherence::BootTime;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the thread may be busy with a round. A statement that takes too long is given up by the server, or its connection
/// is abandoned a second later.
const SILENCE: Duration = STATEMENT_TIMEOUT.saturating_add(Duration::from_secs(2));
/// How long anybody waits in all: the longest lease that there can be, and a little.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(65);

/// When the barrier's thread last came to the end of a round that succeeded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    pub(crate) fn beat(&self) {
        // Says how long to wait and nothing else: what is confirmed goes another way.
        self.0.store(BootTime::now().as_nanos(), Ordering::Relaxed);
    }

    /// Until when to wait, as things are now, if one began to wait then. The thread may have had nothing to do before.
    pub(crate) fn deadline(&self, start: BootTime) -> BootTime {
        let last = BootTime::from_nanos(self.0.load(Ordering::Relaxed));
        (last.max(start) + SILENCE).min(start + CONFIRM_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadline_lasts_while_the_thread_gets_on_and_ends_all_the_same() {
        let heartbeat = Heartbeat::default();
        let at = |time| BootTime::from_nanos(1_000_000_000_000) + time;
        let start = at(Duration::ZERO);
        assert_eq!(heartbeat.deadline(start), at(SILENCE), "no round yet");
        for (round, deadline) in [
            (Duration::from_secs(1), Duration::from_secs(1) + SILENCE),
            (Duration::from_secs(30), Duration::from_secs(30) + SILENCE),
            (CONFIRM_TIMEOUT, CONFIRM_TIMEOUT),
        ] {
            heartbeat.0.store(at(round).as_nanos(), Ordering::Relaxed);
            assert_eq!(heartbeat.deadline(start), at(deadline), "{round:?}");
        }
        let later = at(2 * CONFIRM_TIMEOUT);
        assert_eq!(
            heartbeat.deadline(later),
            later + SILENCE,
            "nobody has waited since"
        );
    }
}
