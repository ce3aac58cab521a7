use jeton_persistence::DatabaseUrl;
use std::time::Duration;

/// How a [`Verifier`](crate::Verifier) works. [`new`](Self::new) has good values for everything but the address.
#[derive(Debug, Clone)]
pub struct VerifierSettings {
    /// The database that holds the tokens.
    pub database_url: DatabaseUrl,
    /// How many threads look tokens up, each with a connection of its own. Two: one asks while the other's answer is
    /// on its way.
    pub lookup_threads: usize,
    /// How many tokens one query asks for at the most.
    pub batch: usize,
    /// How many checks may wait for a query; those beyond are answered
    /// [`Unavailable`](crate::VerifyError::Unavailable) at once.
    pub queue: usize,
    /// How long a check waits for its answer before it is [`Unavailable`](crate::VerifyError::Unavailable).
    pub patience: Duration,
}

impl VerifierSettings {
    /// The settings that suit most services: 2 threads, 256 tokens a query, 8,192 waiting, 5 seconds.
    #[must_use]
    pub fn new(database_url: DatabaseUrl) -> Self {
        Self {
            database_url,
            lookup_threads: 2,
            batch: 256,
            queue: 8192,
            patience: Duration::from_secs(5),
        }
    }
}
