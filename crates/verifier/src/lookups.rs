//! Look-up threads: each takes all checks that are waiting, asks the database once, and answers each.
//!
//! A check never joins a query that was sent before it arrived: that query may have been answered from a time at
//! which the token was valid, and the check began after it was revoked. Hence whatever arrives while a query is under
//! way waits for the next one, even for the same token.

use crate::connection::Reconnecting;
use crate::memory::{Beginning, Memory};
use crate::permissions::{SharedPermissions, VerifierId};
use crate::uses::{Uses, UsesWriter};
use crate::worker::Worker;
use crate::{Caller, VerifierSettings, VerifyError};
use jeton_coherence::{BootTime, DatabaseError, lookups};
use jeton_domain::TokenDigest;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

type Outcome = Result<Caller, VerifyError>;

/// The waiting checks, and the threads that answer them. The threads end after the last handle is dropped.
pub(crate) struct Lookups {
    shared: Arc<Shared>,
    queue: usize,
    workers: Vec<Worker>,
}

struct Shared {
    state: Mutex<State>,
    /// Told once for each check that comes, and to all threads for what is not a check.
    work: Notify,
    memory: Arc<Memory>,
    permissions: SharedPermissions,
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
            work: Notify::new(),
            memory,
            permissions: SharedPermissions::new(),
            failing: AtomicBool::new(false),
        });
        // If a thread cannot be started, dropping this ends those that were.
        let mut lookups = Self {
            shared: shared.clone(),
            queue: settings.queue,
            workers: Vec::new(),
        };
        // The first thread writes the uses as well; the others look up meanwhile.
        let mut writer = Some(UsesWriter::new(uses, settings.write_uses_every));
        for number in 0..settings.lookup_threads.max(1) {
            let (shared, batch) = (shared.clone(), settings.batch.max(1));
            let connection = Reconnecting::new(settings.database_url.clone());
            let writer = writer.take();
            lookups
                .workers
                .push(Worker::start(format!("jeton-lookup-{number}"), move |runtime| {
                    shared.answer(runtime, connection, batch, writer);
                })?);
        }
        Ok(lookups)
    }

    pub(crate) fn verifier(&self) -> VerifierId {
        self.shared.permissions.verifier()
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
        self.shared.work.notify_waiters();
        let _ = written.await;
    }

    /// Has the threads end, once nobody waits for an answer and what was noted is written.
    pub(crate) fn stop(&self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_waiters();
    }

    /// Blocks until they have ended, or until then.
    pub(crate) fn wait(&self, until: Instant) {
        for worker in &self.workers {
            worker.wait(until);
        }
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under this lock, so a panic elsewhere does not matter here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(
        &self,
        runtime: &Runtime,
        mut connection: Reconnecting,
        batch: usize,
        mut writer: Option<UsesWriter>,
    ) {
        loop {
            let taken = runtime.block_on(self.take(batch, writer.as_ref().map(UsesWriter::due)));
            let end = taken.is_none();
            let turn = async {
                self.answer_batch(&mut connection, taken.unwrap_or_default())
                    .await;
                if let Some(writer) = &mut writer {
                    self.write(writer, &mut connection, end).await;
                }
            };
            // Whoever waits for what panics is answered "unavailable", since that drops the replies; and the thread goes
            // on, since there is no other in its place.
            if catch_unwind(AssertUnwindSafe(|| runtime.block_on(turn))).is_err() {
                tracing::error!("a look-up thread panicked");
            }
            if end {
                return;
            }
        }
    }

    async fn write(&self, writer: &mut UsesWriter, connection: &mut Reconnecting, end: bool) {
        let flushing = std::mem::take(&mut self.lock().flushing);
        if end || !flushing.is_empty() {
            writer.write_all(connection).await;
        } else if writer.due() <= BootTime::now() {
            writer.write(connection).await;
        }
        for done in flushing {
            let _ = done.send(());
        }
    }

    /// Waits for checks, or until it is time for something else, and takes what is there, the longest-waiting first;
    /// `None`: it is time to end. Meanwhile the connection is looked after: one that the server closes is closed here.
    async fn take(&self, batch: usize, until: Option<BootTime>) -> Option<Vec<Waiting>> {
        loop {
            // Before the look at what is there: what comes after that look is told to this.
            let more = self.work.notified();
            if let Poll::Ready(taken) = self.take_now(batch, until) {
                return taken;
            }
            match until {
                None => more.await,
                // Tokio's clock stands still in a suspend. That makes what is due late, and no more.
                Some(until) => {
                    let _ = timeout(until.since(BootTime::now()), more).await;
                }
            }
        }
    }

    fn take_now(&self, batch: usize, until: Option<BootTime>) -> Poll<Option<Vec<Waiting>>> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            let due = until.is_some_and(|until| !state.flushing.is_empty() || until <= BootTime::now());
            return match (state.closed, due) {
                (true, _) => Poll::Ready(None),
                (false, true) => Poll::Ready(Some(Vec::new())),
                (false, false) => Poll::Pending,
            };
        }
        let count = state.waiting.len().min(batch);
        let taken = state.waiting.drain(..count).collect();
        if !state.waiting.is_empty() {
            self.work.notify_one();
        }
        Poll::Ready(Some(taken))
    }

    async fn answer_batch(&self, connection: &mut Reconnecting, taken: Vec<Waiting>) {
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
        let answer = connection
            .repeat(async |c| lookups::find_valid(c, &digests).await)
            .await;
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
                Ok(mut token) => {
                    let permissions = self.permissions.of(&mut token);
                    callers.push((digest, Caller::new(&digest, token, permissions, sent)));
                }
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
