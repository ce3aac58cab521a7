//! What is known to be blocked, so that a flood of attempts that are refused costs the database next to nothing.

use jeton_persistence::rate_limit::{Account, Blocked, Network};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a block is known without asking the database again. So long after it has ended in the database, by whatever way,
/// an attempt may still be refused; one that ends by time is not known for longer than it lasts.
pub(crate) const KNOWN_FOR: Duration = Duration::from_secs(1);

/// So many blocks are known at the most. Of those beyond, the database is asked.
const MOST: usize = 10_000;

/// The blocks that the database has told of in the last [`KNOWN_FOR`].
#[derive(Default)]
pub(crate) struct KnownBlocks(Mutex<Known>);

#[derive(Default)]
struct Known {
    blocks: HashMap<Key, Block>,
    /// How many times all were forgotten: what the database was asked before that is not noted after it.
    forgotten: u64,
}

/// Who is refused: never more than the database was asked about, so that nobody's attempts are in the way of others'.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Network(Network),
    Account(Account, Network),
}

struct Block {
    known_until: Instant,
    ends_at: Instant,
}

/// When the database was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    at: Instant,
    forgotten: u64,
}

impl KnownBlocks {
    /// For how long no attempt is let through, as far as it is known.
    pub(crate) fn find(&self, account: &Account, network: Network, now: Instant) -> Option<Duration> {
        let known = self.known();
        let left = |key: Key| {
            let block = known.blocks.get(&key).filter(|block| block.known_until > now)?;
            Some(block.ends_at.saturating_duration_since(now)).filter(|left| !left.is_zero())
        };
        left(Key::Network(network)).max(left(Key::Account(account.clone(), network)))
    }

    /// To be called before the database is asked.
    pub(crate) fn ask(&self, now: Instant) -> Asked {
        Asked {
            at: now,
            forgotten: self.known().forgotten,
        }
    }

    /// Takes in what the database has said.
    pub(crate) fn note(&self, asked: Asked, account: &Account, network: Network, blocked: Blocked) {
        let mut known = self.known();
        if known.forgotten != asked.forgotten {
            return;
        }
        if known.blocks.len() >= MOST {
            known.evict(asked.at);
        }
        let keys = [
            (Key::Network(network), blocked.network),
            (Key::Account(account.clone(), network), blocked.account),
        ];
        for (key, left) in keys.into_iter().filter(|(_, left)| !left.is_zero()) {
            let block = Block {
                known_until: asked.at + KNOWN_FOR,
                ends_at: asked.at + left,
            };
            known.blocks.insert(key, block);
        }
    }

    /// Forgets all: somebody was unblocked.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        known.forgotten += 1;
        known.blocks.clear();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Makes room: those that are of no use go, and else all.
    fn evict(&mut self, now: Instant) {
        self.blocks.retain(|_, block| block.known_until > now);
        if self.blocks.len() >= MOST / 2 {
            self.blocks.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_domain::Username;
    use jeton_persistence::rate_limit::network;

    fn named(name: &str) -> Account {
        Account::Named(Username::parse(name).unwrap().key().clone())
    }

    fn from(address: &str) -> Network {
        network(Some(address.parse().unwrap()))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const HERE: &str = "203.0.113.9";
    const THERE: &str = "198.51.100.7";

    #[test]
    fn a_block_is_known_for_a_second_and_not_for_longer_than_it_lasts() {
        let (known, start) = (KnownBlocks::default(), Instant::now());
        let (ada, here) = (named("ada"), from(HERE));
        for (lasts, known_for) in [(secs(30), KNOWN_FOR), (secs(1) / 4, secs(1) / 4)] {
            let account = Blocked {
                account: lasts,
                ..Blocked::default()
            };
            known.note(known.ask(start), &ada, here, account);
            assert_eq!(known.find(&ada, here, start), Some(lasts));
            let last = known_for - Duration::from_millis(1);
            assert_eq!(known.find(&ada, here, start + last), Some(lasts - last));
            assert_eq!(known.find(&ada, here, start + known_for), None);
        }
    }

    #[test]
    fn nobody_else_is_refused_by_it() {
        let (known, now) = (KnownBlocks::default(), Instant::now());
        let blocked = |network, account| Blocked {
            network: secs(network),
            account: secs(account),
        };
        known.note(known.ask(now), &named("ada"), from(HERE), blocked(0, 30));
        assert_eq!(known.find(&named("ada"), from(THERE), now), None);
        assert_eq!(known.find(&named("bob"), from(HERE), now), None);
        assert_eq!(known.find(&Account::Nobody, from(HERE), now), None);
        // A network is refused whatever the account.
        known.note(known.ask(now), &named("bob"), from(HERE), blocked(12, 0));
        assert_eq!(known.find(&named("eve"), from(HERE), now), Some(secs(12)));
        assert_eq!(known.find(&named("ada"), from(HERE), now), Some(secs(30)));
        assert_eq!(known.find(&named("bob"), from(THERE), now), None);
    }

    #[test]
    fn what_was_asked_before_somebody_was_unblocked_is_not_noted_after_it() {
        let (known, now) = (KnownBlocks::default(), Instant::now());
        let blocked = Blocked {
            network: secs(12),
            account: secs(30),
        };
        let asked = known.ask(now);
        known.note(asked, &named("ada"), from(HERE), blocked);
        known.forget();
        assert_eq!(known.find(&named("ada"), from(HERE), now), None);
        known.note(asked, &named("ada"), from(HERE), blocked);
        assert_eq!(known.find(&named("ada"), from(HERE), now), None);
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let (known, now) = (KnownBlocks::default(), Instant::now());
        let blocked = Blocked {
            account: secs(30),
            ..Blocked::default()
        };
        for i in 0..3 * MOST {
            let account = named(&format!("user{i}"));
            known.note(known.ask(now), &account, from(HERE), blocked);
            assert!(known.known().blocks.len() <= MOST + 1);
            assert!(known.find(&account, from(HERE), now).is_some());
        }
    }
}
