//! Where attempts wait that may be made or not, depending on what becomes of those in flight. Of those that wait for the
//! same row, one asks the database at a time.

use jeton_persistence::rate_limit::Row;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};

/// How long the first in a line waits until it asks again: the attempts that it waits for may be another instance's.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The lines of this process, one for each row that somebody waits for.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<ByRow>>);

/// Each line, and how many places of it are taken.
type ByRow = HashMap<Row, (Arc<Line>, usize)>;

#[derive(Default)]
struct Line {
    first: Arc<tokio::sync::Mutex<()>>,
    ended: Notify,
}

/// A place in a line, until it is dropped.
pub(crate) struct Place {
    lines: Lines,
    row: Row,
    line: Arc<Line>,
    first: Option<OwnedMutexGuard<()>>,
}

impl Lines {
    /// The last place in the line for this row.
    pub(crate) fn enter(&self, row: Row) -> Place {
        let line = {
            let mut lines = self.lock();
            let (line, places) = lines.entry(row.clone()).or_default();
            *places += 1;
            line.clone()
        };
        Place {
            lines: self.clone(),
            row,
            line,
            first: None,
        }
    }

    /// An attempt has ended that counted in these rows.
    pub(crate) fn ended(&self, rows: impl Iterator<Item = Row>) {
        let lines = self.lock();
        for row in rows {
            if let Some((line, _)) = lines.get(&row) {
                line.ended.notify_one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByRow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn row(&self) -> &Row {
        &self.row
    }

    /// Until it is worth asking again: the first time, until this is the first in the line, and then, until an attempt has
    /// ended, or others may have.
    pub(crate) async fn wait(&mut self) {
        if self.first.is_none() {
            self.first = Some(self.line.first.clone().lock_owned().await);
        } else {
            let _ = tokio::time::timeout(ASK_EVERY, self.line.ended.notified()).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        if let Entry::Occupied(mut line) = lines.entry(self.row.clone()) {
            line.get_mut().1 -= 1;
            if line.get().1 == 0 {
                line.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_persistence::rate_limit::network;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_over(waiting: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
        matches!(
            waiting.poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        )
    }

    #[tokio::test]
    async fn one_of_a_line_asks_at_a_time_and_nothing_is_left_of_it() {
        let lines = Lines::default();
        let row = |address: &str| Row::Network(network(Some(address.parse().unwrap())));
        let (here, there) = (row("203.0.113.9"), row("198.51.100.7"));
        let (mut first, mut second) = (lines.enter(here.clone()), lines.enter(here.clone()));
        let mut other = lines.enter(there);
        assert!(is_over(pin!(first.wait())));
        assert!(is_over(pin!(other.wait())));
        let mut turn = pin!(second.wait());
        assert!(!is_over(turn.as_mut()));
        {
            let mut ended = pin!(first.wait());
            assert!(!is_over(ended.as_mut()));
            lines.ended([here.clone()].into_iter());
            assert!(is_over(ended.as_mut()));
        }
        assert!(!is_over(turn.as_mut()));
        drop(first);
        assert!(is_over(turn.as_mut()));
        drop(other);
        assert_eq!(lines.lock().len(), 1);
        assert_eq!(lines.lock().get(&here).map(|(_, places)| *places), Some(1));
    }
}
