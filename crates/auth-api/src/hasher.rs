mod queue;

use jeton_domain::{BcryptCost, NewPassword, Password, PasswordHash, PasswordRefused};
use jeton_persistence::rate_limit::Network;
pub(crate) use queue::Core;
use queue::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use tokio::sync::oneshot;

/// Where passwords are hashed: on as many threads as there are cores, with a bounded queue before them. A
/// storm of sign-ins fills the queue, not the machine.
#[derive(Clone)]
pub(crate) struct Hasher {
    queue: Arc<Queue>,
    /// What new hashes are made with.
    cost: BcryptCost,
    /// What every check takes the time of, in rounds: no less than the most costly hash that has been seen, or the time of an
    /// unknown user's check would be told from that of a user whose hash was made with a higher setting: at another time,
    /// or by an instance that has it now.
    check_rounds: Arc<AtomicU64>,
    /// What all checks have taken so far.
    rounds: Arc<AtomicU64>,
}

/// How busy the hasher is.
pub(crate) struct HasherStatus {
    pub(crate) threads: usize,
    pub(crate) in_use: usize,
    pub(crate) waiting: usize,
    pub(crate) refused: u64,
    pub(crate) rounds: u64,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashingError {
    #[error("too many passwords wait to be hashed")]
    QueueFull,
    #[error("the hashing thread stopped")]
    Stopped,
}

impl Hasher {
    pub(crate) fn new(cost: BcryptCost, highest_stored: Option<BcryptCost>, queue: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let check_cost = highest_stored.map_or(cost, |stored| stored.max(cost));
        Self {
            queue: Arc::new(Queue::new(cores, queue)),
            cost,
            check_rounds: Arc::new(AtomicU64::new(check_cost.rounds())),
            rounds: Arc::default(),
        }
    }

    pub(crate) fn status(&self) -> HasherStatus {
        let (threads, in_use, waiting, refused) = self.queue.status();
        HasherStatus {
            threads,
            in_use,
            waiting,
            refused,
            rounds: self.rounds.load(Ordering::Relaxed),
        }
    }

    /// Whether one more of this network would find a place in the queue now: before anything else is spent on a password.
    pub(crate) fn check_queue(&self, network: Network) -> Result<(), HashingError> {
        self.queue.check(network)
    }

    /// A core to hash on, once it is this network's turn.
    pub(crate) async fn core(&self, network: Network) -> Result<Core, HashingError> {
        self.queue.core(network).await
    }

    /// Whether the password is the one of the hash; `None` is nobody's hash: it takes as long, and is not. `then` hears of it
    /// even where the caller does not wait for it any more.
    pub(crate) async fn check<T: Send + 'static>(
        &self,
        core: Core,
        hash: Option<PasswordHash>,
        password: Password,
        then: impl FnOnce(bool) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let hasher = self.clone();
        run_on(core, move || then(hasher.is_right(hash.as_ref(), &password))).await
    }

    fn is_right(&self, hash: Option<&PasswordHash>, password: &Password) -> bool {
        let own = hash.map_or(0, PasswordHash::rounds);
        let rounds = self.check_rounds.fetch_max(own, Ordering::Relaxed).max(own);
        let checked = match hash {
            Some(hash) => hash.check(password, rounds),
            None => PasswordHash::of_nobody(self.cost).check(password, rounds),
        };
        self.rounds.fetch_add(checked.rounds, Ordering::Relaxed);
        checked.is_right
    }

    /// Hashes a password again that has just been verified, if new hashes are better than its own, and a core has
    /// nothing to do.
    pub(crate) async fn upgrade(&self, verified: &PasswordHash, password: Password) -> Option<PasswordHash> {
        let needs_upgrade = verified.needs_upgrade(self.cost);
        // Whether it is of what was typed is to be found out, where that is not what new ones are of.
        if !needs_upgrade && password.normalized().is_none() {
            return None;
        }
        let core = self.queue.idle_core()?;
        let (verified, cost, salt) = (verified.clone(), self.cost, rand::random());
        let work = move || {
            let worse = needs_upgrade || verified.is_of_typed(&password);
            worse.then(|| verified.upgrade(&password, cost, salt))
        };
        run_on(core, work).await.ok().flatten()
    }

    /// Checks that a password may be chosen, and hashes it.
    pub(crate) async fn choose(
        &self,
        network: Network,
        password: Password,
        username: String,
        email: Option<String>,
    ) -> Result<Result<PasswordHash, PasswordRefused>, HashingError> {
        let (cost, salt) = (self.cost, rand::random());
        // Looking for guessable passwords takes its time as well, so it is done on the same threads.
        self.run(network, move || {
            let password = NewPassword::choose(password, &username, email.as_deref())?;
            Ok(PasswordHash::make(&password, cost, salt))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        network: Network,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        run_on(self.queue.core(network).await?, work).await
    }
}

async fn run_on<T: Send + 'static>(
    core: Core,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashingError> {
    // The core moves into the closure: a client that goes away frees it when the hash is done, not before.
    let (reply, result) = oneshot::channel();
    // A thread of its own, which costs nothing beside a hash, since it cannot take its low priority back.
    std::thread::Builder::new()
        .name("jeton-hash".to_owned())
        .spawn(move || {
            yield_to_others();
            let done = work();
            // Before anybody hears of it: whoever has the answer finds the core free.
            drop(core);
            let _ = reply.send(done);
        })
        .map_err(|_| HashingError::Stopped)?;
    result.await.map_err(|_| HashingError::Stopped)
}

/// Whoever hashes needs a core for a quarter of a second, and everything else microseconds: those go first.
fn yield_to_others() {
    // On Linux, a thread has a priority of its own; elsewhere this would be the whole process's. Where it is not
    // allowed, hashing takes its share as any other thread.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_takes_the_time_of_the_most_costly_hash() {
        let cost = |cost| BcryptCost::new(cost).unwrap();
        let password = Password::new("whatever it is".to_owned());
        for (stored, check) in [(None, 6), (Some(5), 6), (Some(9), 9)] {
            let hasher = Hasher::new(cost(6), stored.map(cost), 1);
            let done = |hash: Option<&PasswordHash>| {
                let before = hasher.status().rounds;
                assert!(!hasher.is_right(hash, &password));
                hasher.status().rounds - before
            };
            let of = |number| PasswordHash::of_nobody(cost(number));
            let unreadable = PasswordHash::read("sesame");
            for hash in [None, Some(&of(4)), Some(&of(6)), Some(&unreadable)] {
                assert_eq!(done(hash), 1 << check);
            }
            // Of another instance, from then on.
            for hash in [Some(&of(10)), Some(&of(4)), Some(&unreadable), None] {
                assert_eq!(done(hash), 1 << 10);
            }
        }
    }
}
