use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as BlockingMutex, PoisonError, Weak};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A line for each key, in which one is let through at a time, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Lines<Key>(BlockingMutex<HashMap<Key, Weak<Mutex<()>>>>);

/// Whoever is let through, until it is dropped.
pub(crate) type Through = OwnedMutexGuard<()>;

impl<Key> Default for Lines<Key> {
    fn default() -> Self {
        Self(BlockingMutex::default())
    }
}

impl<Key: Eq + Hash> Lines<Key> {
    pub(crate) async fn wait(&self, key: Key) -> Through {
        let line = {
            // Nothing is left half done under this lock.
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those in which nobody is any more, now and then.
            if lines.len().is_power_of_two() {
                lines.retain(|_, line| line.strong_count() > 0);
            }
            let known = lines.get(&key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let line = Arc::default();
                lines.insert(key, Arc::downgrade(&line));
                line
            })
        };
        line.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn come(waiting: std::pin::Pin<&mut impl Future<Output = Through>>) -> Option<Through> {
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(through) => Some(through),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_of_a_key_is_let_through_at_a_time_and_other_keys_meanwhile() {
        let lines = Lines::default();
        let (mut first, mut second, mut other) = (
            pin!(lines.wait('a')),
            pin!(lines.wait('a')),
            pin!(lines.wait('b')),
        );
        let through = come(first.as_mut()).unwrap();
        assert!(come(second.as_mut()).is_none());
        assert!(come(other.as_mut()).is_some());
        drop(through);
        assert!(come(second.as_mut()).is_some());
    }

    #[test]
    fn a_line_that_nobody_is_in_is_forgotten() {
        let lines = Lines::default();
        for key in 0..1000 {
            drop(come(pin!(lines.wait(key)).as_mut()).unwrap());
        }
        assert!(lines.0.lock().unwrap().len() <= 2);
    }
}
