//! The lease thread: renews the row by which revokers know this verifier (the heartbeat), and forgets what was revoked.

use crate::VerifierSettings;
use crate::memory::Memory;
use crate::worker::{CLOSING, Worker};
use futures_util::future::{Either, select};
use jeton_coherence::verifiers::{self, NotRenewed, Registered, Session};
use jeton_coherence::{
    BootTime, ConnectionLimits, DatabaseError, DatabaseResult, OpenConnection, ServerIdentity, Snapshot,
    connect, plan_once,
};
use jeton_domain::TokenDigest;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Backoff: how soon a new connection is tried after one has failed, at first and at the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The part of the lease that is kept in reserve, as a divisor: clocks may run that much faster or slower.
const MARGIN: u32 = 10;
/// So many commits of this role may wait for a standby before no registration is tried, which is one more.
const MOST_HANGING: u32 = 4;
/// How long a registration may take, which waits for the disk, where a lease is shorter.
const REGISTERING: Duration = Duration::from_secs(3);

/// The thread's handle. When it is dropped, nothing is answered from memory any more.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    phase: watch::Receiver<Phase>,
    worker: Worker,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Neither is there a lease nor has an attempt to get one failed.
    Starting,
    Started,
    /// The first attempt has failed since the role has as many verifiers as it may have.
    TooMany,
}

#[derive(Default)]
struct Shared {
    /// When the last renewal that succeeded was sent; zero before the first.
    renewed_at: AtomicU64,
    /// Whether it was said that connections are pooled.
    pooled: AtomicBool,
}

impl Lease {
    pub(crate) fn start(settings: &VerifierSettings, memory: Arc<Memory>) -> std::io::Result<Self> {
        Self::start_with(settings, memory, Keeper::live)
    }

    fn start_with(
        settings: &VerifierSettings,
        memory: Arc<Memory>,
        live: impl AsyncFn(&mut Keeper) -> DatabaseResult<End> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (stop, stopping) = watch::channel(false);
        let (sender, phase) = watch::channel(Phase::Starting);
        let keeper = Keeper {
            settings: settings.clone(),
            limits: ConnectionLimits::new(settings.lease, MOST_HANGING),
            memory,
            shared: shared.clone(),
            stopping,
            phase: sender,
            id: None,
            unconfirmed: None,
            failing: false,
        };
        let worker = Worker::start("jeton-lease".to_owned(), move |runtime| keeper.run(runtime, live))?;
        Ok(Self {
            shared,
            stop,
            phase,
            worker,
        })
    }

    pub(crate) fn renewed_at(&self) -> Option<BootTime> {
        match self.shared.renewed_at.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(BootTime::from_nanos(nanos)),
        }
    }

    /// Waits until the first lease is there, or the first attempt has failed.
    ///
    /// # Errors
    /// [`DatabaseError::TooManyVerifiers`]: what is no passing failure.
    pub(crate) async fn started(&self) -> DatabaseResult<()> {
        let mut phase = self.phase.clone();
        match phase.wait_for(|phase| *phase != Phase::Starting).await {
            Ok(phase) if *phase == Phase::TooMany => Err(DatabaseError::TooManyVerifiers),
            _ => Ok(()),
        }
    }

    /// Stops answering from memory, and gives the lease back.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the lease has been given back.
    pub(crate) async fn stopped(&self) {
        // The sender is gone: that is how the end of the thread is told.
        let _ = self.phase.clone().wait_for(|_| false).await;
    }

    /// As [`stopped`](Self::stopped), for who blocks, and until then at the most.
    pub(crate) fn wait(&self, until: Instant) {
        self.worker.wait(until);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn say_pooled(&self) {
        if !self.pooled.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the database is reached through a pool that lends connections for a transaction: every check will \
                ask the database; give verifiers a direct connection, or a pool that lends for a session"
            );
        }
    }
}

/// Why a life of the verifier ended.
enum End {
    /// It was told to.
    Stopped,
    /// The row was gone: no renewal had been seen for a lease.
    Expired,
    /// The connection is served by another session of the server's than before: perhaps after a crash.
    Moved,
    /// It panicked.
    Broken,
}

/// What the thread does. It waits for the database, for nudges, for time and for its end, and for nothing else.
struct Keeper {
    settings: VerifierSettings,
    limits: ConnectionLimits,
    memory: Arc<Memory>,
    shared: Arc<Shared>,
    stopping: watch::Receiver<bool>,
    phase: watch::Sender<Phase>,
    /// The row of the last life, which may still be there.
    id: Option<Uuid>,
    /// The row of an attempt to register that had no answer. It may have taken the place of the last life's, or be nowhere.
    unconfirmed: Option<Uuid>,
    /// Whether the last attempt failed: the log tells changes, not every failure.
    failing: bool,
}

impl Keeper {
    /// One life after the other, until it is time to end.
    fn run(mut self, runtime: &Runtime, live: impl AsyncFn(&mut Self) -> DatabaseResult<End>) {
        let mut pause = RETRY.0;
        loop {
            match self.outlive(runtime, &live) {
                Ok(End::Stopped) => return,
                Ok(End::Expired) => {
                    tracing::warn!("the lease ran out before it was renewed: starting with an empty memory");
                    pause = RETRY.0;
                }
                Ok(End::Moved) => self.shared.say_pooled(),
                Ok(End::Broken) => {
                    tracing::error!("the lease's thread panicked: starting with an empty memory")
                }
                Err(error) => {
                    self.say_failing(&error);
                    if matches!(error, DatabaseError::TooManyVerifiers) {
                        self.tell(Phase::TooMany);
                    }
                }
            }
            self.tell(Phase::Started);
            if runtime.block_on(self.stopping_within(pause)) {
                // The row stays for whoever revokes next to wait for: the database cannot be told.
                self.memory.shut();
                return;
            }
            pause = (pause * 2).min(RETRY.1);
        }
    }

    /// A life, whose panic does not end the thread: without it, every check would ask the database for ever.
    fn outlive(
        &mut self,
        runtime: &Runtime,
        live: impl AsyncFn(&mut Self) -> DatabaseResult<End>,
    ) -> DatabaseResult<End> {
        let stopping = self.stopping.clone();
        let life = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let end_of_patience = pin!(async {
                    wait_for(stopping).await;
                    sleep(CLOSING).await;
                });
                match select(pin!(live(self)), end_of_patience).await {
                    Either::Left((end, _)) => Some(end),
                    Either::Right(_) => None,
                }
            })
        }));
        match life {
            Ok(Some(end)) => end,
            // Told to end, it hangs: in a server that does not answer, say.
            Ok(None) => {
                self.memory.shut();
                Ok(End::Stopped)
            }
            Err(_) => {
                // Whatever was left half done is not used again: not the connection, nor what is remembered.
                self.memory.shut();
                Ok(End::Broken)
            }
        }
    }

    /// One life of the verifier: as long as one connection lives.
    async fn live(&mut self) -> DatabaseResult<End> {
        let lease = self.settings.lease;
        let limits = self.limits.clone();
        let mut connection = connect(&self.settings.database_url, &limits).await?;
        // Up to here the memory of the life before was good until its deadline, since its row is there and is waited
        // for. The next statements take that row away.
        self.memory.shut();
        let memory: Weak<Memory> = Arc::downgrade(&self.memory);
        connection.server().end_when_superseded(memory);
        let patience = lease.max(REGISTERING);
        // Nobody renews it, and a revocation would wait for it. First, so that there is never more than one such row.
        if let Some(unconfirmed) = self.unconfirmed {
            limits
                .answered_within(patience, verifiers::deregister(&mut connection, unconfirmed))
                .await?;
        }
        let (id, before, name) = (Uuid::now_v7(), self.id, &self.settings.name);
        self.unconfirmed = Some(id);
        let registering = verifiers::register(&mut connection, id, before, name, lease);
        let Registered { applied, session } = limits.answered_within(patience, registering).await?;
        (self.id, self.unconfirmed) = (Some(id), None);
        let ready = async {
            plan_once(&mut connection).await?;
            verifiers::listen(&mut connection).await
        };
        limits.answered_within(patience, ready).await?;
        let end = self
            .renew_until_end(&mut connection, id, applied, session)
            .await?;
        self.memory.shut();
        if matches!(end, End::Stopped) {
            limits
                .answered_within(patience, verifiers::deregister(&mut connection, id))
                .await?;
        }
        Ok(end)
    }

    async fn renew_until_end(
        &mut self,
        connection: &mut OpenConnection,
        id: Uuid,
        mut applied: Snapshot,
        session: Session,
    ) -> DatabaseResult<End> {
        let lease = self.settings.lease;
        let mut first = true;
        let server = connection.server();
        let mut dropped = Vec::new();
        while !*self.stopping.borrow() {
            if server.is_superseded() {
                return Err(superseded(server));
            }
            // Before it says so.
            self.memory.drop_tokens(&dropped);
            let sent = BootTime::now();
            // Nothing hangs for longer than what hangs on it: by then the deadline has passed, and another connection may
            // have more luck.
            let renewing = verifiers::renew(connection, id, session, applied, &dropped);
            let renewal = match self.limits.answered_within(lease, renewing).await? {
                Ok(renewal) => renewal,
                Err(NotRenewed::Expired) => return Ok(End::Expired),
                Err(NotRenewed::Moved) => return Ok(End::Moved),
            };
            let renewed = self
                .memory
                .renew(&renewal.revoked, sent + (lease - lease / MARGIN));
            // Whoever finds a newer server ends what this one has granted, before or after.
            if server.unless_superseded(|| renewed.publish()).is_none() {
                return Err(superseded(server));
            }
            applied = renewal.snapshot;
            self.tell_renewed(sent);
            if std::mem::take(&mut first) {
                self.look_for_pooler(session);
            }
            // What has just been forgotten is acknowledged by the next renewal: at once, then.
            dropped = if renewal.revoked.is_empty() {
                self.wait_for_nudge(connection, sent + lease / 3).await?
            } else {
                verifiers::nudges_so_far(connection)
            };
        }
        Ok(End::Stopped)
    }

    fn tell_renewed(&mut self, sent: BootTime) {
        self.shared.renewed_at.store(sent.as_nanos(), Ordering::Relaxed);
        if self.failing {
            self.failing = false;
            tracing::info!("the lease is renewed again");
        }
        self.tell(Phase::Started);
    }

    /// Tells how the first attempt has ended, to whoever waits for that.
    fn tell(&self, phase: Phase) {
        self.phase.send_if_modified(|known| {
            let first = *known == Phase::Starting;
            if first {
                *known = phase;
            }
            first
        });
    }

    /// Waits for a nudge, until it is time to renew, or until it is time to end; gives what a nudge says was revoked.
    async fn wait_for_nudge(
        &self,
        connection: &mut OpenConnection,
        until: BootTime,
    ) -> DatabaseResult<Vec<TokenDigest>> {
        // Tokio's clock stands still in a suspend. So a renewal may be late; the deadline, which is of the boot clock, is
        // not.
        let nudged = timeout(
            until.since(BootTime::now()),
            verifiers::nudge_received(connection),
        );
        match select(pin!(wait_for(self.stopping.clone())), pin!(nudged)).await {
            Either::Left(_) | Either::Right((Err(_), _)) => Ok(Vec::new()),
            Either::Right((Ok(nudged), _)) => nudged,
        }
    }

    /// Waits for so long, or until it is time to end; says whether it is.
    async fn stopping_within(&self, time: Duration) -> bool {
        timeout(time, wait_for(self.stopping.clone())).await.is_ok()
    }

    /// A pooler that lends a connection for each transaction gives the idle lease connection's to the next who asks.
    /// Who asks is a task of its own, which may wait for as long as it takes to connect.
    fn look_for_pooler(&self, session: Session) {
        let (shared, url) = (self.shared.clone(), self.settings.database_url.clone());
        tokio::spawn(async move {
            let other = async {
                let mut connection = connect(&url, &ConnectionLimits::NONE).await?;
                verifiers::find_session(&mut connection).await
            };
            // Without an answer, the log tells of the pooler when it first lends another connection.
            if let Ok(Ok(other)) = timeout(REGISTERING * 2, other).await
                && other == session
            {
                shared.say_pooled();
            }
        });
    }

    fn say_failing(&mut self, error: &DatabaseError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "the lease cannot be renewed");
        }
    }
}

fn superseded(server: ServerIdentity) -> DatabaseError {
    DatabaseError::Unavailable(format!(
        "another server has taken the place of this one ({server})"
    ))
}

/// Waits until it is time to end, which it is as well when nobody is left who could say so.
async fn wait_for(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests;
