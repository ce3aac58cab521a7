use jeton_coherence::DatabaseUrl;
use std::time::Duration;

/// The shortest lease that there may be.
pub const SHORTEST_LEASE: Duration = Duration::from_millis(100);
/// The lease, unless it is set otherwise.
///
/// It is what a service that dies without a word costs one revocation, and nine tenths of it are how long known tokens are
/// checked without word from the database. Renewed each third, it survives a renewal that comes 2.8 seconds late.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(5);
/// The longest lease that there may be.
pub const LONGEST_LEASE: Duration = Duration::from_secs(60);

/// The most tokens that can be remembered: 18 bytes for each are taken at once, 1.8 GB for so many.
pub const MOST_CACHE_TOKENS: usize = 100_000_000;

/// How a [`Verifier`](crate::Verifier) works. [`new`](Self::new) has good values for everything but the address.
#[derive(Debug, Clone)]
pub struct VerifierSettings {
    /// The database that holds the tokens: its primary, and not behind a pool that lends connections for a transaction.
    pub database_url: DatabaseUrl,
    /// What the verifier is called in the database, for a person to read.
    pub name: String,
    /// How long after the last word from the database checks are answered from memory, 100 ms to 60 s; a tenth of it is
    /// kept in reserve. A revocation waits for so long, once, for a verifier that has died.
    pub lease: Duration,
    /// How many tokens are remembered at the most, some 200 bytes each: up to [`MOST_CACHE_TOKENS`]; 0: none, and every
    /// check asks the database.
    pub cache_tokens: usize,
    /// How many threads look tokens up, each with a connection of its own, which is made when it is first needed. One: it
    /// asks for all that wait at once. A second one asks while the first one's answer is on its way, for a service with
    /// many unknown tokens and a database that is far.
    pub lookup_threads: usize,
    /// How many tokens one query asks for at the most.
    pub batch: usize,
    /// How many checks may wait for a query; those beyond are answered
    /// [`Unavailable`](crate::VerifyError::Unavailable) at once. More than a service has connections: then whoever sends
    /// unknown tokens on all of theirs takes nobody else's place.
    pub queue: usize,
    /// How long a check waits for its answer before it is [`Unavailable`](crate::VerifyError::Unavailable).
    pub lookup_timeout: Duration,
    /// How often it is written which tokens were used: at most once a minute for each.
    pub write_uses_every: Duration,
}

impl VerifierSettings {
    /// The settings that suit most services: a lease of 5 seconds, 100,000 tokens, 1 thread, 256 tokens a query, 16,384
    /// waiting, 5 seconds, uses written every 10; the name is the program's.
    #[must_use]
    pub fn new(database_url: DatabaseUrl) -> Self {
        Self {
            database_url,
            name: program_name(),
            lease: DEFAULT_LEASE,
            cache_tokens: 100_000,
            lookup_threads: 1,
            batch: 256,
            queue: 16_384,
            lookup_timeout: Duration::from_secs(5),
            write_uses_every: Duration::from_secs(10),
        }
    }
}

fn program_name() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}[{}]", std::process::id())
}
