//! Look-up threads: each takes all checks that are waiting, asks the database once, and answers each.
//!
//! A check never joins a query that was sent before it arrived: that query may have been answered from a time at
//! which the token was valid, and the check began after it was revoked. Hence whatever arrives while a query is under
//! way waits for the next one, even for the same token.

use crate::connection::Reconnecting;
use crate::{Caller, VerifierSettings, VerifyError};
use jeton_domain::TokenDigest;
use jeton_persistence::{DatabaseError, lookups};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

type Outcome = Result<Caller, VerifyError>;

/// The waiting checks, and the threads that answer them. The threads end after the last handle is dropped.
pub(crate) struct Lookups {
    shared: Arc<Shared>,
    queue: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    /// Whether the last query failed: the log tells changes, not every failure.
    failing: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    closed: bool,
}

struct Waiting {
    digest: TokenDigest,
    reply: oneshot::Sender<Outcome>,
}

impl Lookups {
    pub(crate) fn start(settings: &VerifierSettings) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            failing: AtomicBool::new(false),
        });
        for number in 0..settings.lookup_threads.max(1) {
            let (shared, batch) = (shared.clone(), settings.batch.max(1));
            let connection = Reconnecting::new(settings.database_url.clone());
            std::thread::Builder::new()
                .name(format!("jeton-lookup-{number}"))
                .spawn(move || shared.answer(connection, batch))?;
        }
        Ok(Self {
            shared,
            queue: settings.queue,
        })
    }

    /// Asks for one token; the answer comes from a query sent after this call.
    pub(crate) async fn find(&self, digest: TokenDigest) -> Outcome {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.waiting.len() >= self.queue {
                return Err(VerifyError::Unavailable);
            }
            state.waiting.push(Waiting { digest, reply });
        }
        self.shared.work.notify_one();
        answer.await.unwrap_or(Err(VerifyError::Unavailable))
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under this lock, so a panic elsewhere does not matter here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut connection: Reconnecting, batch: usize) {
        while let Some(taken) = self.take(batch) {
            self.answer_batch(&mut connection, taken);
        }
    }

    /// Waits for checks and takes what is there, the longest-waiting first; `None`: it is time to end.
    fn take(&self, batch: usize) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.waiting.len().min(batch);
        let taken = state.waiting.drain(..count).collect();
        if !state.waiting.is_empty() {
            self.work.notify_one();
        }
        Some(taken)
    }

    fn answer_batch(&self, connection: &mut Reconnecting, taken: Vec<Waiting>) {
        let mut askers: HashMap<TokenDigest, Vec<oneshot::Sender<Outcome>>> = HashMap::new();
        for Waiting { digest, reply } in taken {
            // Whoever has gone away in the meantime needs no answer.
            if !reply.is_closed() {
                askers.entry(digest).or_default().push(reply);
            }
        }
        let digests: Vec<TokenDigest> = askers.keys().copied().collect();
        if digests.is_empty() {
            return;
        }
        // The replies are in `askers`: should the query panic, dropping them answers "unavailable", and the thread
        // goes on with the next batch.
        let query = std::panic::AssertUnwindSafe(|| connection.read(|c| lookups::find_valid(c, &digests)));
        match std::panic::catch_unwind(query) {
            Ok(answer) => {
                self.note(answer.as_ref().err());
                match answer {
                    Ok(found) => answer_each(askers, found),
                    Err(_) => reply_to(askers.into_values().flatten(), &Err(VerifyError::Unavailable)),
                }
            }
            Err(_) => tracing::error!("a look-up panicked"),
        }
    }

    fn note(&self, error: Option<&DatabaseError>) {
        let failed_before = self.failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !failed_before => tracing::warn!(%error, "look-ups fail"),
            None if failed_before => tracing::info!("look-ups work again"),
            _ => {}
        }
    }
}

type Found = (TokenDigest, Result<lookups::ValidToken, DatabaseError>);

fn answer_each(mut askers: HashMap<TokenDigest, Vec<oneshot::Sender<Outcome>>>, found: Vec<Found>) {
    for (digest, token) in found {
        let outcome = token.map(Caller::new).map_err(|error| {
            // Neither valid nor invalid: somebody has written a row that this code cannot read.
            tracing::error!(%error, "a token's row cannot be read");
            VerifyError::Unavailable
        });
        reply_to(askers.remove(&digest).into_iter().flatten(), &outcome);
    }
    reply_to(askers.into_values().flatten(), &Err(VerifyError::Invalid));
}

fn reply_to(askers: impl Iterator<Item = oneshot::Sender<Outcome>>, outcome: &Outcome) {
    for asker in askers {
        // An error here means that the asker has gone away.
        let _ = asker.send(outcome.clone());
    }
}
