use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The lines that a process has written, for whoever waits for one.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Output {
    pub(crate) fn push(&self, line: String) {
        self.lines().push(line);
        self.0.1.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// The first thing that `find` makes of a line, old or new. `None` after `patience`, or when `give_up` says so.
    pub(crate) fn wait_for<T>(
        &self,
        patience: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
        mut give_up: impl FnMut() -> bool,
    ) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        let mut last_look = false;
        let mut lines = self.lines();
        loop {
            if let Some(found) = lines.iter().skip(seen).find_map(|line| find(line)) {
                return Some(found);
            }
            if last_look {
                return None;
            }
            seen = lines.len();
            // What was written just before the end may still be on its way: hence one more round.
            last_look = give_up() || Instant::now() > deadline;
            let waited = self.0.1.wait_timeout(lines, Duration::from_millis(50));
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
