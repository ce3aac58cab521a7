//! Who hashes next. Networks take turns, and where all places are taken, the network that has the most of them gives one
//! up to one that has fewer: whoever storms is in the way of nobody else. Where all come from one network, it has all
//! places.

use super::HashingError;
use jeton_persistence::rate_limit::Network;
use jeton_persistence::turns::Turns;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// One refusal of so much time is told in the log: each would be one line for each request of a storm.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The cores, and a bounded number of places before them.
pub(super) struct Queue {
    cores: usize,
    places: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// How many cores are taken. Somebody waits only where all are.
    hashing: usize,
    waiting: Turns<Network, oneshot::Sender<Core>>,
    /// How many found no place, or had to give theirs up.
    refused: u64,
    told: Option<Instant>,
}

/// A core to hash on, until it is dropped.
pub(crate) struct Core(Arc<Queue>);

impl Queue {
    pub(super) fn new(cores: usize, places: usize) -> Self {
        Self {
            cores,
            places,
            line: Mutex::default(),
        }
    }

    /// How many cores there are, how many of them are taken, how many wait, and how many were refused so far.
    pub(super) fn status(&self) -> (usize, usize, usize, u64) {
        let line = self.line();
        (self.cores, line.hashing, line.waiting.len(), line.refused)
    }

    /// Whether one more of this network would find a place now.
    pub(super) fn check(&self, network: Network) -> Result<(), HashingError> {
        self.find_place(&mut self.line(), network).map(drop)
    }

    /// A core, once it is this one's turn.
    pub(super) async fn core(self: &Arc<Self>, network: Network) -> Result<Core, HashingError> {
        let turn = {
            let mut line = self.line();
            match self.find_place(&mut line, network)? {
                Found::Core => return Ok(self.take(&mut line)),
                Found::Place => {}
                Found::PlaceOfAnother => {
                    line.refuse();
                    line.waiting.take_last_of_most();
                }
            }
            let (turn, come) = oneshot::channel();
            line.waiting.push(network, turn);
            come
        };
        // Dropped by whoever took the place.
        turn.await.map_err(|_| HashingError::QueueFull)
    }

    /// A core that has nothing to do, if there is one.
    pub(super) fn idle_core(self: &Arc<Self>) -> Option<Core> {
        let mut line = self.line();
        (line.hashing < self.cores).then(|| self.take(&mut line))
    }

    fn take(self: &Arc<Self>, line: &mut Line) -> Core {
        line.hashing += 1;
        Core(self.clone())
    }

    fn find_place(&self, line: &mut Line, network: Network) -> Result<Found, HashingError> {
        if line.hashing < self.cores {
            return Ok(Found::Core);
        }
        if line.waiting.len() >= self.places {
            // Those whose clients have gone away wait no longer.
            line.waiting.retain(|turn| !turn.is_closed());
        }
        if line.waiting.len() < self.places {
            return Ok(Found::Place);
        }
        // Only where the other has more than this one will have: two who want the last place do not take it from each other.
        if line.waiting.most() > line.waiting.len_of(&network) + 1 {
            return Ok(Found::PlaceOfAnother);
        }
        line.refuse();
        Err(HashingError::QueueFull)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Found {
    Core,
    Place,
    PlaceOfAnother,
}

impl Line {
    /// Whose turn it is, of those who are still there.
    fn next(&mut self) -> Option<oneshot::Sender<Core>> {
        std::iter::from_fn(|| self.waiting.take_next()).find(|turn| !turn.is_closed())
    }

    fn refuse(&mut self) {
        self.refused += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(refused = self.refused, "the hashing queue is full: answering 503");
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let next = {
            let mut line = self.0.line();
            let next = line.next();
            if next.is_none() {
                line.hashing = line.hashing.saturating_sub(1);
            }
            next
        };
        if let Some(turn) = next {
            // Whoever has gone away in this moment drops it, and so passes it on.
            let _ = turn.send(Self(self.0.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_persistence::rate_limit::network;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    type Turn = Pin<Box<dyn Future<Output = Result<Core, HashingError>>>>;

    /// Somebody of a network, who has come.
    fn come(queue: &Arc<Queue>, address: &str) -> Turn {
        let (queue, network) = (queue.clone(), network(Some(address.parse().unwrap())));
        let mut turn: Turn = Box::pin(async move { queue.core(network).await });
        let _ = look(&mut turn);
        turn
    }

    fn look(turn: &mut Turn) -> Option<Result<Core, HashingError>> {
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    fn waiting(queue: &Queue) -> usize {
        queue.status().2
    }

    const STORM: &str = "203.0.113.9";
    const HOME: &str = "2001:db8::1";

    #[test]
    fn a_network_has_all_places_and_no_more() {
        let queue = Arc::new(Queue::new(1, 2));
        let first = queue.idle_core().unwrap();
        assert!(queue.idle_core().is_none());
        let (mut second, mut third) = (come(&queue, STORM), come(&queue, STORM));
        assert!(queue.check(network(Some(STORM.parse().unwrap()))).is_err());
        drop(first);
        let second = look(&mut second).unwrap().unwrap();
        assert!(look(&mut third).is_none());
        drop(second);
        drop(look(&mut third).unwrap().unwrap());
        assert_eq!(queue.status(), (1, 0, 0, 1));
    }

    #[test]
    fn the_network_with_most_places_gives_way_and_networks_take_turns() {
        let queue = Arc::new(Queue::new(1, 3));
        let first = queue.idle_core().unwrap();
        let mut storm = [0; 3].map(|_| come(&queue, STORM));
        // All of a /64 are one.
        let mut home = come(&queue, HOME);
        assert!(matches!(look(&mut storm[2]), Some(Err(HashingError::QueueFull))));
        assert!(
            queue
                .check(network(Some("2001:db8::2".parse().unwrap())))
                .is_err()
        );
        assert!(queue.check(network(None)).is_ok());
        drop(first);
        let stormed = look(&mut storm[0]).unwrap().unwrap();
        assert!(look(&mut home).is_none());
        drop(stormed);
        drop(look(&mut home).unwrap().unwrap());
        drop(look(&mut storm[1]).unwrap().unwrap());
        assert_eq!(queue.status(), (1, 0, 0, 2));
    }

    #[test]
    fn a_client_who_goes_away_leaves_place_and_core_to_others() {
        let queue = Arc::new(Queue::new(1, 1));
        let first = queue.idle_core().unwrap();
        drop(come(&queue, HOME));
        let gone = come(&queue, STORM);
        assert_eq!(waiting(&queue), 1);
        drop(gone);
        let called = come(&queue, STORM);
        drop(first);
        // Its turn has come, and it does not take it.
        assert!(queue.idle_core().is_none());
        drop(called);
        assert!(queue.idle_core().is_some());
        assert_eq!(queue.status(), (1, 0, 0, 0));
    }
}
