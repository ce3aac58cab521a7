use crate::home::Home;
use crate::lease::Lease;
use crate::lookups::Lookups;
use crate::memory::Memory;
use crate::permissions::VerifierId;
use crate::settings::{LONGEST_LEASE, MOST_CACHE_TOKENS, SHORTEST_LEASE};
use crate::uses::Uses;
use crate::worker::CLOSING;
use crate::{Caller, ProtectedResource, VerifierSettings};
use jeton_coherence::{BootTime, ConnectionLimits, DatabaseError, establish, refused_servers};
use jeton_domain::{PlainToken, Resource, TokenDigest};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long each statement of the look at the database may take that a verifier starts with.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks tokens against the table that the auth service writes. Make one for the process and clone it: clones share
/// everything.
///
/// When the last clone is dropped, the lease is given back, so that no revocation waits for this verifier, and what was used is
/// written, as by [`close`](Self::close): whoever drops it is blocked for that, milliseconds while the database answers and 2
/// seconds at the most, with a runtime or without one.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
    /// Which resource this is, if that was said.
    resource: Option<Arc<Resource>>,
    /// What refusals name of it.
    protected: Option<ProtectedResource>,
}

struct Inner {
    id: VerifierId,
    memory: Arc<Memory>,
    uses: Arc<Uses>,
    threads: Arc<Threads>,
    home: Home,
    counts: Counts,
    lookup_timeout: Duration,
}

struct Threads {
    lookups: Lookups,
    lease: Lease,
}

impl Threads {
    fn start(settings: &VerifierSettings, memory: &Arc<Memory>, uses: &Arc<Uses>) -> std::io::Result<Self> {
        Ok(Self {
            lookups: Lookups::start(settings, memory.clone(), uses.clone())?,
            lease: Lease::start(settings, memory.clone())?,
        })
    }
}

/// What can be told of a token without asking the database.
pub(crate) enum Check {
    Known(Caller),
    /// It is not remembered, or nothing may be answered from memory now.
    LookUp(TokenDigest),
}

/// What came of the checks that were not answered from memory.
#[derive(Default)]
struct Counts {
    looked_up_valid: AtomicU64,
    looked_up_invalid: AtomicU64,
    malformed: AtomicU64,
    unavailable: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How a verifier is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// How much longer checks can be answered from memory if no renewal succeeds; zero: every check asks the database.
    pub lease_left: Duration,
    /// How many tokens are remembered.
    pub entries: usize,
    /// How many checks were answered from memory so far.
    pub hits: u64,
    /// How long ago the last renewal was sent that succeeded; `None`: none has yet.
    pub last_renewal: Option<Duration>,
    /// How many checks found a valid token by asking the database, so far.
    pub looked_up_valid: u64,
    /// How many found no valid one by asking the database.
    pub looked_up_invalid: u64,
    /// How many were of a text that no token can have, and asked nobody.
    pub malformed: u64,
    /// How many ended without an answer, since the database gave none.
    pub unavailable: u64,
    /// How many connections this process has refused since they were to a former primary, whose successor it has seen: a
    /// server that should not be running as one.
    pub refused_servers: u64,
    /// Whether this process was forked from the one that connected: nothing can be checked here.
    pub inherited: bool,
}

/// Why a check did not find a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is malformed, unknown, expired or revoked, or its user disabled, or it is for another resource. Sending it again
    /// is useless.
    #[error("not a valid token")]
    Invalid,
    /// It cannot be told now: the database is away or too slow. Trying again later is right; refusing the caller for
    /// good is not.
    #[error("tokens cannot be checked now")]
    Unavailable,
}

/// Why a verifier could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database cannot be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database has not the shape that this version needs.
    #[error("the database is not up to date (pending: {0}); run `scripts/migrate` or `jeton migrate`")]
    NotMigrated(String),
    /// The lease is not between [`SHORTEST_LEASE`](crate::SHORTEST_LEASE) and [`LONGEST_LEASE`](crate::LONGEST_LEASE).
    #[error("the lease must be 100 ms to 60 s")]
    Lease,
    /// More tokens are to be remembered than [`MOST_CACHE_TOKENS`](crate::MOST_CACHE_TOKENS).
    #[error("no more than {MOST_CACHE_TOKENS} tokens can be remembered")]
    CacheTokens,
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl Verifier {
    /// Checks that the database is there and up to date, starts the threads that will ask it, and waits for the first
    /// lease, or for the failure to get one: without a lease, every check asks the database. That the role has as many
    /// verifiers as it may have is an error.
    ///
    /// Needs a Tokio runtime with its timer on, here and wherever tokens are [verified](Self::verify). What keeps the lease
    /// and looks tokens up are threads with runtimes of their own, so that nothing that the application's runtime does, or
    /// fails to do, delays them.
    ///
    /// # Forking
    /// Connect after a fork, in each process. A process that is forked afterwards inherits what is remembered, and none of
    /// the threads: it would go on accepting what has been revoked, and no revocation waits for it. There, from a hundredth of
    /// a second after the fork, each check is [`VerifyError::Unavailable`], the log says why, and [`Status::inherited`] is
    /// true.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn connect(settings: VerifierSettings) -> Result<Self, ConnectError> {
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&settings.lease) {
            return Err(ConnectError::Lease);
        }
        if settings.cache_tokens > MOST_CACHE_TOKENS {
            return Err(ConnectError::CacheTokens);
        }
        let url = settings.database_url.clone();
        let check = tokio::task::spawn_blocking(move || {
            let limits = ConnectionLimits::beside_any_commits(STATEMENT_TIMEOUT);
            let mut connection = establish(&url, limits)?.on_blocking_threads();
            let pending = jeton_coherence::pending(&mut connection)?;
            if pending.is_empty() {
                Ok(())
            } else {
                Err(ConnectError::NotMigrated(pending.join(", ")))
            }
        });
        check
            .await
            .map_err(|error| ConnectError::Thread(error.into()))??;
        let memory = Arc::new(Memory::new(settings.cache_tokens));
        let uses = Arc::new(Uses::new());
        let threads = Threads::start(&settings, &memory, &uses).map_err(ConnectError::Thread)?;
        let started = threads.lease.started();
        if let Ok(started) = tokio::time::timeout(settings.lookup_timeout, started).await {
            started?;
        }
        let inner = Inner {
            id: threads.lookups.verifier(),
            memory,
            uses,
            threads: Arc::new(threads),
            home: Home::here(),
            counts: Counts::default(),
            lookup_timeout: settings.lookup_timeout,
        };
        Ok(Self {
            inner: Arc::new(inner),
            resource: None,
            protected: None,
        })
    }

    /// The same verifier, accepting the tokens as well that have this resource as their audience ([RFC 8707]), and no other's.
    /// A verifier that was not told which resource it is accepts only tokens that have none.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    #[must_use]
    pub fn for_resource(&self, resource: &Resource) -> Self {
        Self {
            inner: self.inner.clone(),
            resource: Some(Arc::new(resource.clone())),
            protected: None,
        }
    }

    /// The same verifier, [for](Self::for_resource) this resource, naming its metadata when it
    /// [refuses](Self::authorize) a request ([RFC 9728 §5.1]).
    ///
    /// [RFC 9728 §5.1]: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
    #[must_use]
    pub fn protecting(&self, resource: &ProtectedResource) -> Self {
        Self {
            inner: self.inner.clone(),
            resource: Some(resource.shared_identifier()),
            protected: Some(resource.clone()),
        }
    }

    /// Whether the token, which some verifier has found valid, is valid here.
    pub(crate) fn accepts(&self, caller: &Caller) -> bool {
        caller.is_for(self.inner.id, self.resource.as_deref())
    }

    /// What refusals name of it.
    pub(crate) fn protected(&self) -> Option<&ProtectedResource> {
        self.protected.as_ref()
    }

    /// Checks a token's text and says whose it is: from memory where it is known, else by asking the database. A text
    /// that no token can have is refused without asking anybody.
    ///
    /// # Errors
    /// [`VerifyError`]
    pub async fn verify(&self, token: &str) -> Result<Caller, VerifyError> {
        match self.check(token.as_bytes())? {
            Check::Known(caller) => Ok(caller),
            Check::LookUp(digest) => self.look_up(digest).await,
        }
    }

    /// The part of [`verify`](Self::verify) that asks nobody.
    pub(crate) fn check(&self, token: &[u8]) -> Result<Check, VerifyError> {
        let malformed = |_| {
            count(&self.inner.counts.malformed);
            VerifyError::Invalid
        };
        let digest = PlainToken::digest_unchecked(token).map_err(malformed)?;
        let home = &self.inner.home;
        if let Some((caller, now)) = self.inner.memory.get(&digest, |now| !home.was_left(now)) {
            if !self.accepts(&caller) {
                return Err(VerifyError::Invalid);
            }
            // What is remembered was well-formed.
            self.inner.uses.note(&caller, now);
            return Ok(Check::Known(caller));
        }
        PlainToken::check(token).map_err(malformed)?;
        Ok(Check::LookUp(digest))
    }

    /// The rest of it.
    pub(crate) async fn look_up(&self, digest: TokenDigest) -> Result<Caller, VerifyError> {
        let outcome = match self.ask(digest).await {
            Ok(caller) if !self.accepts(&caller) => Err(VerifyError::Invalid),
            outcome => outcome,
        };
        count(match outcome {
            Ok(_) => &self.inner.counts.looked_up_valid,
            Err(VerifyError::Invalid) => &self.inner.counts.looked_up_invalid,
            Err(VerifyError::Unavailable) => &self.inner.counts.unavailable,
        });
        let caller = outcome?;
        self.inner.uses.note(&caller, BootTime::now());
        Ok(caller)
    }

    async fn ask(&self, digest: TokenDigest) -> Result<Caller, VerifyError> {
        // Its threads are not here.
        if self.inner.home.is_left() {
            return Err(VerifyError::Unavailable);
        }
        // A server that has stopped in the middle of a query keeps the thread, not the caller.
        tokio::time::timeout(self.inner.lookup_timeout, self.inner.threads.lookups.find(digest))
            .await
            .unwrap_or(Err(VerifyError::Unavailable))
    }

    /// Whether tokens that are not known can be checked: asks the database for one that nobody has.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`]
    pub async fn ready(&self) -> Result<(), VerifyError> {
        match self.ask(TokenDigest::from([0; 32])).await {
            Ok(_) | Err(VerifyError::Invalid) => Ok(()),
            Err(VerifyError::Unavailable) => Err(VerifyError::Unavailable),
        }
    }

    /// How the verifier is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let (now, counts) = (BootTime::now(), &self.inner.counts);
        let inherited = self.inner.home.is_left();
        Status {
            lease_left: if inherited {
                Duration::ZERO
            } else {
                self.inner.memory.deadline().since(now)
            },
            // What was locked at the fork is locked for ever.
            entries: if inherited { 0 } else { self.inner.memory.len() },
            hits: self.inner.memory.hits(),
            last_renewal: self.inner.threads.lease.renewed_at().map(|sent| now.since(sent)),
            looked_up_valid: counts.looked_up_valid.load(Ordering::Relaxed),
            looked_up_invalid: counts.looked_up_invalid.load(Ordering::Relaxed),
            malformed: counts.malformed.load(Ordering::Relaxed),
            unavailable: counts.unavailable.load(Ordering::Relaxed),
            refused_servers: refused_servers(),
            inherited,
        }
    }

    /// Stops answering from memory, gives the lease back, so that no revocation waits for this verifier, and writes what
    /// was used; at most 2 seconds are spent on each. For the end of a program, once its requests are answered: what is
    /// checked later asks the database. Dropping the last clone does the same, and blocks meanwhile.
    pub async fn close(&self) {
        if self.inner.home.is_left() {
            return;
        }
        self.inner.threads.lease.stop();
        let _ = tokio::time::timeout(CLOSING, self.inner.threads.lease.stopped()).await;
        let _ = tokio::time::timeout(CLOSING, self.inner.threads.lookups.write_uses()).await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What belongs to another process is its own to end. What its threads had locked at the fork is locked here for ever, so
        // that nothing of them may even be dropped.
        if self.home.is_elsewhere() {
            std::mem::forget(self.threads.clone());
            return;
        }
        let Threads { lookups, lease } = &*self.threads;
        lease.stop();
        lookups.stop();
        let until = Instant::now() + CLOSING;
        lease.wait(until);
        lookups.wait(until);
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
