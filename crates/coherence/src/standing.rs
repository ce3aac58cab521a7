//! Which servers have failed last: those are tried last, and of these the one first that worked last.

use std::cmp::Reverse;
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
pub(crate) struct Standing(Mutex<HashMap<Server, Known>>);

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// `None`: it has worked since, or was never tried.
    failed: Option<Instant>,
    worked: Option<Instant>,
}

impl Standing {
    /// Puts those that have failed behind the others, those first that worked last, and else leaves the order as it is. Where the order is a random one, those that failed long ago are forgiven: else nothing
    /// would go there ever again.
    pub(crate) fn sort<T>(&self, servers: &mut [T], server: impl Fn(&T) -> Server, random_order: bool) {
        let now = Instant::now();
        let known = self.lock();
        servers.sort_by_key(|one| {
            let Known { failed, worked } = known.get(&server(one)).copied().unwrap_or_default();
            let failed =
                failed.is_some_and(|at| !random_order || now.saturating_duration_since(at) < FORGIVEN_AFTER);
            (failed, Reverse(worked.filter(|_| failed)))
        });
    }

    pub(crate) fn note(&self, server: Server, works: bool) {
        let (now, mut known) = (Instant::now(), self.lock());
        let known = known.entry(server).or_default();
        if works {
            known.failed = None;
            known.worked = Some(now);
        } else {
            known.failed = Some(now);
        }
    }

    /// Forgets the addresses that a host no longer has.
    pub(crate) fn keep(&self, host: usize, addresses: &[Option<IpAddr>]) {
        self.lock()
            .retain(|(of, address), _| *of != host || address.is_none() || addresses.contains(address));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Known>> {
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
        for server in [0, 2] {
            standing.note((server, None), false);
        }
        assert_eq!(
            order(),
            [0, 1, 2],
            "of those that have failed, the one that worked last"
        );
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
        let known = Known {
            failed: Some(long_ago),
            worked: None,
        };
        standing.lock().insert((0, None), known);
        assert_eq!((order(true), order(false)), (vec![0, 1], vec![1, 0]));
    }
}
