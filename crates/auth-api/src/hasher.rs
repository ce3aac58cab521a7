use jeton_domain::{BcryptCost, NewPassword, Password, PasswordHash, PasswordRefused, Username};
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// Where passwords are hashed: on as many blocking threads as there are cores, with a bounded queue before them. A
/// storm of sign-ins fills the queue, not the machine.
#[derive(Clone)]
pub(crate) struct Hasher {
    /// One permit a core.
    cores: Arc<Semaphore>,
    /// One permit for each that is being hashed or waits for it.
    places: Arc<Semaphore>,
    cost: BcryptCost,
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
    pub(crate) fn new(cost: BcryptCost, queue: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let places = cores.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self {
            cores: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(places)),
            cost,
        }
    }

    /// Whether the password is the one of the hash; `None` is nobody's hash, takes as long and says no.
    pub(crate) async fn verify(
        &self,
        hash: Option<PasswordHash>,
        password: Password,
    ) -> Result<bool, HashingError> {
        let cost = self.cost;
        self.run(move || {
            hash.unwrap_or_else(|| PasswordHash::of_nobody(cost))
                .verify_in_the_time_of(&password, cost)
        })
        .await
    }

    /// Checks that a password may be chosen, and hashes it.
    pub(crate) async fn choose(
        &self,
        password: Password,
        username: Username,
        email: Option<String>,
    ) -> Result<Result<PasswordHash, PasswordRefused>, HashingError> {
        let (cost, salt) = (self.cost, rand::random());
        // Looking for guessable passwords takes its time as well, so it is done on the same threads.
        self.run(move || {
            let password = NewPassword::choose(password, &username, email.as_deref())?;
            Ok(PasswordHash::make(&password, cost, salt))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| HashingError::QueueFull)?;
        let core = self
            .cores
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| HashingError::Stopped)?;
        // The permits move into the closure: a client that goes away frees them when the core is free, not before.
        let job = tokio::task::spawn_blocking(move || {
            let _permits = (place, core);
            work()
        });
        job.await.map_err(|_| HashingError::Stopped)
    }
}
