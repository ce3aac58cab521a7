//! Which servers have failed last: those are tried last.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where connections are to go anywhere, a server that has failed is tried in its turn again after so long.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// A host by its place in the list, and one of its addresses; `None`: all of them.
pub(crate) type Server = (usize, Option<IpAddr>);

/// What all connections to one [`DatabaseUrl`](crate::DatabaseUrl) have learnt of its servers.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<HashMap<Server, Instant>>);

impl Standing {
    /// Puts those that have failed behind the others, and else leaves the order as it is: what is first then is what worked
    /// last, unless nothing has failed. Where the order is a random one, those that failed long ago are forgiven: else nothing
    /// would go there ever again.
    pub(crate) fn sort<T>(&self, servers: &mut [T], server: impl Fn(&T) -> Server, random_order: bool) {
        let now = Instant::now();
        let failed = self.lock();
        servers.sort_by_key(|one| {
            failed
                .get(&server(one))
                .is_some_and(|at| !random_order || now.saturating_duration_since(*at) < FORGIVEN_AFTER)
        });
    }

    pub(crate) fn note(&self, server: Server, works: bool) {
        if works {
            self.lock().remove(&server);
        } else {
            self.lock().insert(server, Instant::now());
        }
    }

    /// Forgets the addresses that a host no longer has.
    pub(crate) fn keep(&self, host: usize, addresses: &[Option<IpAddr>]) {
        self.lock()
            .retain(|(of, address), _| *of != host || address.is_none() || addresses.contains(address));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Instant>> {
        // Nothing is left half done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_failed_is_tried_last_until_it_works() {
        let standing = Standing::default();
        let order = || {
            let mut hosts = vec![0, 1, 2];
            standing.sort(&mut hosts, |host| (*host, None), false);
            hosts
        };
        assert_eq!(order(), [0, 1, 2]);
        standing.note((0, None), false);
        assert_eq!(order(), [1, 2, 0]);
        standing.note((1, None), false);
        assert_eq!(order(), [2, 0, 1]);
        standing.note((0, None), true);
        assert_eq!(order(), [0, 2, 1]);
    }

    #[test]
    fn addresses_that_are_gone_are_forgotten() {
        let standing = Standing::default();
        let address = |last| Some(IpAddr::from([127, 0, 0, last]));
        for server in [(0, address(1)), (0, address(2)), (0, None), (1, address(1))] {
            standing.note(server, false);
        }
        standing.keep(0, &[address(2)]);
        let mut left: Vec<_> = standing.lock().keys().copied().collect();
        left.sort_unstable();
        assert_eq!(left, [(0, None), (0, address(2)), (1, address(1))]);
    }

    #[test]
    fn a_random_order_forgives_in_time() {
        let standing = Standing::default();
        standing.note((0, None), false);
        let order = |random| {
            let mut hosts = vec![0, 1];
            standing.sort(&mut hosts, |host| (*host, None), random);
            hosts
        };
        assert_eq!(order(true), [1, 0]);
        let Some(long_ago) = Instant::now().checked_sub(FORGIVEN_AFTER) else {
            return;
        };
        standing.lock().insert((0, None), long_ago);
        assert_eq!((order(true), order(false)), (vec![0, 1], vec![1, 0]));
    }
}
