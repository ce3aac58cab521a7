use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The lines that a process writes, those that are to be kept, collected while it runs.
#[derive(Clone)]
pub(crate) struct Output {
    keep: fn(&str) -> bool,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Output {
    pub(crate) fn keeping(keep: fn(&str) -> bool) -> Self {
        Self {
            keep,
            shared: Arc::default(),
        }
    }

    /// Collects from one stream until its end.
    pub(crate) fn collect(&self, stream: Option<impl Read + Send + 'static>) {
        let Some(stream) = stream else { return };
        let output = self.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if (output.keep)(&text) {
                    output.lines().push(text);
                    output.shared.grown.notify_all();
                }
                line.clear();
            }
        });
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
            let waited = self.shared.grown.wait_timeout(lines, Duration::from_millis(50));
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
