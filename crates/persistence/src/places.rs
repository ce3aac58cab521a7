use crate::rate_limit::{Network, network};
use crate::turns::Turns;
use jeton_domain::{AuditContext, UserId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who has the turn where many wait for a [reserved](crate::PoolSettings::reserved) connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A user who is known.
    User(UserId),
    /// Whoever is not, by where they come from.
    Network(Network),
    /// Whoever asks whether the service is ready.
    Probe,
}

impl Turn {
    /// Whoever does something.
    #[must_use]
    pub fn of(by: &AuditContext) -> Self {
        let user = by.actor.user_id().map(Self::User);
        user.unwrap_or_else(|| Self::Network(network(by.address)))
    }
}

/// A bounded number of places, one for each connection. The waiting for them is done by futures, not by threads.
pub(crate) struct Places(Mutex<Line>);

struct Line {
    /// How many are free. Somebody waits only where none is.
    free: usize,
    waiting: Turns<Option<Turn>, oneshot::Sender<Place>>,
}

/// One of the places, until it is dropped.
pub(crate) struct Place(Arc<Places>);

impl Places {
    pub(crate) fn new(count: u32) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Line {
            free: count as usize,
            waiting: Turns::default(),
        })))
    }

    /// A place, if one is free.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut line = self.line();
        line.free = line.free.checked_sub(1)?;
        Some(Place(self.clone()))
    }

    /// A place, once it is this one's turn. `None` only where somebody panicked.
    pub(crate) async fn take(self: &Arc<Self>, turn: Option<Turn>) -> Option<Place> {
        let come = {
            let mut line = self.line();
            if let Some(left) = line.free.checked_sub(1) {
                line.free = left;
                return Some(Place(self.clone()));
            }
            let (sender, come) = oneshot::channel();
            line.waiting.push(turn, sender);
            // Those who have stopped waiting are passed over when their turn comes, which may be in a long time.
            if line.waiting.len().is_power_of_two() {
                line.waiting.retain(|sender| !sender.is_closed());
            }
            come
        };
        come.await.ok()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing is left half done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut line = self.0.line();
            let next = std::iter::from_fn(|| line.waiting.take_next()).find(|next| !next.is_closed());
            if next.is_none() {
                line.free += 1;
            }
            next
        };
        if let Some(next) = next {
            // Whoever has gone away in this moment drops it, and so passes it on.
            let _ = next.send(Self(self.0.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};
    use uuid::Uuid;

    type Taking = Pin<Box<dyn Future<Output = Option<Place>>>>;

    fn come(places: &Arc<Places>, user: u128) -> Taking {
        let (places, turn) = (places.clone(), Turn::User(UserId(Uuid::from_u128(user))));
        let mut taking: Taking = Box::pin(async move { places.take(Some(turn)).await });
        assert!(look(&mut taking).is_none());
        taking
    }

    fn look(taking: &mut Taking) -> Option<Place> {
        match taking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_storm_of_one_user_is_in_nobody_elses_way() {
        let places = Places::new(1);
        let first = places.try_take().unwrap();
        assert!(places.try_take().is_none());
        let mut storm: Vec<_> = (0..100).map(|_| come(&places, 1)).collect();
        let mut ada = come(&places, 2);
        drop(first);
        let stormed = look(&mut storm[0]).unwrap();
        assert!(look(&mut ada).is_none());
        drop(stormed);
        drop(look(&mut ada).unwrap());
        drop(look(&mut storm[1]).unwrap());
    }

    #[test]
    fn who_goes_away_leaves_the_place_to_others() {
        let places = Places::new(1);
        let first = places.try_take().unwrap();
        let (gone, called) = (come(&places, 1), come(&places, 2));
        drop(gone);
        drop(first);
        // The turn has come, and is not taken.
        assert!(places.try_take().is_none());
        drop(called);
        assert!(places.try_take().is_some());
    }
}
