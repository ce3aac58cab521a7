//! Look-up threads: each takes all checks that are waiting, asks the database once, and answers each.
//!
//! A check never joins a query that was sent before it arrived: that query may have been answered from a time at
//! which the token was valid, and the check began after it was revoked. Hence whatever arrives while a query is under
//! way waits for the next one, even for the same token.

use crate::connection::Reconnecting;
use crate::memory::{Beginning, Memory};
use crate::uses::{Uses, UsesWriter};
use crate::{Caller, VerifierSettings, VerifyError};
use jeton_coherence::{BootTime, DatabaseError, lookups};
use jeton_domain::{ScopeSet, TokenDigest};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

type Outcome = Result<Caller, VerifyError>;

/// More sets of scopes than this, and tokens share them only with those that are looked up after.
const MOST_SCOPE_SETS: usize = 4096;

/// The waiting checks, and the threads that answer them. The threads end after the last handle is dropped.
pub(crate) struct Lookups {
    shared: Arc<Shared>,
    queue: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    memory: Arc<Memory>,
    /// Sets of scopes that tokens in memory have: few, each shared by many tokens.
    scopes: Mutex<HashSet<Arc<ScopeSet>>>,
    /// Whether the last query failed: the log tells changes, not every failure.
    failing: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Who waits until the uses that were noted are written.
    flushing: Vec<oneshot::Sender<()>>,
    closed: bool,
}

struct Waiting {
    digest: TokenDigest,
    reply: oneshot::Sender<Outcome>,
}

impl Lookups {
    pub(crate) fn start(
        settings: &VerifierSettings,
        memory: Arc<Memory>,
        uses: Arc<Uses>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            memory,
            scopes: Mutex::default(),
            failing: AtomicBool::new(false),
        });
        // If a thread cannot be started, dropping this ends those that were.
        let lookups = Self {
            shared: shared.clone(),
            queue: settings.queue,
        };
        // The first thread writes the uses as well; the others look up meanwhile.
        let mut writer = Some(UsesWriter::new(uses, settings.write_uses_every));
        for number in 0..settings.lookup_threads.max(1) {
            let (shared, batch) = (shared.clone(), settings.batch.max(1));
            let connection = Reconnecting::new(settings.database_url.clone());
            let writer = writer.take();
            std::thread::Builder::new()
                .name(format!("jeton-lookup-{number}"))
                .spawn(move || shared.answer(connection, batch, writer))?;
        }
        Ok(lookups)
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

    /// Has all uses written that were noted, now.
    pub(crate) async fn write_uses(&self) {
        let (done, written) = oneshot::channel();
        self.shared.lock().flushing.push(done);
        // The one thread that writes is among them.
        self.shared.work.notify_all();
        let _ = written.await;
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

    fn answer(&self, mut connection: Reconnecting, batch: usize, mut writer: Option<UsesWriter>) {
        loop {
            let taken = self.take(batch, writer.as_ref().map(UsesWriter::due));
            let end = taken.is_none();
            let turn = || {
                self.answer_batch(&mut connection, taken.unwrap_or_default());
                if let Some(writer) = &mut writer {
                    self.write(writer, &mut connection, end);
                }
            };
            // Whoever waits for what panics is answered "unavailable", since that drops the replies; and the thread goes
            // on, since there is no other in its place.
            if catch_unwind(AssertUnwindSafe(turn)).is_err() {
                tracing::error!("a look-up thread panicked");
            }
            if end {
                return;
            }
        }
    }

    fn write(&self, writer: &mut UsesWriter, connection: &mut Reconnecting, end: bool) {
        let flushing = std::mem::take(&mut self.lock().flushing);
        if end || !flushing.is_empty() {
            writer.write_all(connection);
        } else if writer.due() <= BootTime::now() {
            writer.write(connection);
        }
        for done in flushing {
            let _ = done.send(());
        }
    }

    /// Waits for checks, or until it is time for something else, and takes what is there, the longest-waiting first;
    /// `None`: it is time to end.
    fn take(&self, batch: usize, until: Option<BootTime>) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            if until.is_some() && !state.flushing.is_empty() {
                return Some(Vec::new());
            }
            let left = until.map(|until| until.since(BootTime::now()));
            state = match left {
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Some(Vec::new()),
                Some(left) => {
                    let waited = self.work.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let count = state.waiting.len().min(batch);
        let taken = state.waiting.drain(..count).collect();
        if !state.waiting.is_empty() {
            self.work.notify_one();
        }
        Some(taken)
    }

    fn answer_batch(&self, connection: &mut Reconnecting, taken: Vec<Waiting>) {
        let mut askers = Askers::new();
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
        // Both before the query is sent: what it finds is kept only if nothing has been forgotten since, and lives no
        // longer than it would by a clock that was read before.
        let (beginning, sent) = (self.memory.begin(), BootTime::now());
        let answer = connection.repeat(|c| lookups::find_valid(c, &digests));
        self.note(answer.as_ref().err());
        match answer {
            Ok(found) => self.answer_each(askers, found, beginning, sent),
            Err(_) => reply_to(askers.into_values().flatten(), &Err(VerifyError::Unavailable)),
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

    fn answer_each(&self, mut askers: Askers, found: Vec<Found>, beginning: Beginning, sent: BootTime) {
        let mut callers = Vec::with_capacity(found.len());
        let mut unreadable = Vec::new();
        for (digest, token) in found {
            match token {
                Ok(token) => callers.push((digest, self.caller(&digest, token, sent))),
                Err(error) => {
                    // Neither valid nor invalid: somebody has written a row that this code cannot read.
                    tracing::error!(%error, "a token's row cannot be read");
                    unreadable.push(digest);
                }
            }
        }
        self.memory.fill(beginning, callers.iter().cloned());
        for (digest, caller) in callers {
            let askers = askers.remove(&digest).into_iter().flatten();
            reply_to(askers, &Ok(caller));
        }
        for digest in unreadable {
            let askers = askers.remove(&digest).into_iter().flatten();
            reply_to(askers, &Err(VerifyError::Unavailable));
        }
        reply_to(askers.into_values().flatten(), &Err(VerifyError::Invalid));
    }

    fn caller(&self, digest: &TokenDigest, mut token: lookups::ValidToken, sent: BootTime) -> Caller {
        let mut known = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = match known.get(&token.scopes) {
            Some(scopes) => scopes.clone(),
            None => {
                if known.len() >= MOST_SCOPE_SETS {
                    known.clear();
                }
                let scopes = Arc::new(std::mem::take(&mut token.scopes));
                known.insert(scopes.clone());
                scopes
            }
        };
        Caller::new(digest, token, scopes, sent)
    }
}

type Askers = HashMap<TokenDigest, Vec<oneshot::Sender<Outcome>>>;
type Found = (TokenDigest, Result<lookups::ValidToken, DatabaseError>);

fn reply_to(askers: impl Iterator<Item = oneshot::Sender<Outcome>>, outcome: &Outcome) {
    for asker in askers {
        // An error here means that the asker has gone away.
        let _ = asker.send(outcome.clone());
    }
}

#[cfg(test)]
mod tests;
