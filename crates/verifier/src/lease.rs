//! The lease thread: renews the row by which revokers know this verifier (the heartbeat), and forgets what was revoked.

use crate::VerifierSettings;
use crate::memory::Memory;
use jeton_coherence::verifiers::{self, NotRenewed, Registered, Session};
use jeton_coherence::{
    BootTime, ConnectionLimits, DatabaseError, DatabaseResult, PgConnection, Snapshot, establish,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How often a wait for a nudge looks whether it is time to end.
const STOP_POLL: Duration = Duration::from_millis(20);
/// Backoff: how soon a new connection is tried after one has failed, at first and at the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The part of the lease that is kept in reserve, as a divisor: clocks may run that much faster or slower.
const MARGIN: u32 = 10;

/// The thread's handle. When it is dropped, nothing is answered from memory any more.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
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
    stop: Mutex<bool>,
    stopped: Condvar,
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
        live: impl Fn(&mut Keeper) -> DatabaseResult<End> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, phase) = watch::channel(Phase::Starting);
        let keeper = Keeper {
            settings: settings.clone(),
            memory,
            shared: shared.clone(),
            phase: sender,
            id: None,
            failing: false,
        };
        std::thread::Builder::new()
            .name("jeton-lease".to_owned())
            .spawn(move || keeper.run(live))?;
        Ok(Self { shared, phase })
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
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.stopped.notify_all();
    }

    /// Waits until the lease has been given back.
    pub(crate) async fn stopped(&self) {
        // The sender is gone: that is how the end of the thread is told.
        let _ = self.phase.clone().wait_for(|_| false).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Waits for so long, or until it is time to end; says whether it is.
    fn pause(&self, time: Duration) -> bool {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let (stop, _) = self
            .stopped
            .wait_timeout_while(stop, time, |stop| !*stop)
            .unwrap_or_else(PoisonError::into_inner);
        *stop
    }

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

struct Keeper {
    settings: VerifierSettings,
    memory: Arc<Memory>,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    /// The row of the last life, which may still be there.
    id: Option<Uuid>,
    /// Whether the last attempt failed: the log tells changes, not every failure.
    failing: bool,
}

impl Keeper {
    /// One life after the other, until it is time to end.
    fn run(mut self, live: impl Fn(&mut Self) -> DatabaseResult<End>) {
        let mut pause = RETRY.0;
        loop {
            match self.outlive(&live) {
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
            if self.shared.pause(pause) {
                // The row stays for whoever revokes next to wait for: the database cannot be told.
                self.memory.shut();
                return;
            }
            pause = (pause * 2).min(RETRY.1);
        }
    }

    /// A life, whose panic does not end the thread: without it, every check would ask the database for ever.
    fn outlive(&mut self, live: impl Fn(&mut Self) -> DatabaseResult<End>) -> DatabaseResult<End> {
        catch_unwind(AssertUnwindSafe(|| live(self))).unwrap_or_else(|_| {
            // Whatever was left half done is not used again: not the connection, nor what is remembered.
            self.memory.shut();
            Ok(End::Broken)
        })
    }

    /// One life of the verifier: as long as one connection lives.
    fn live(&mut self) -> DatabaseResult<End> {
        let limits = ConnectionLimits {
            statement_timeout: Some(self.settings.lease),
        };
        let mut connection = establish(&self.settings.database_url, limits)?;
        // Up to here the memory of the life before was good until its deadline, since its row is there and is waited
        // for. The next statement takes that row away.
        self.memory.shut();
        let id = Uuid::now_v7();
        let (before, name, lease) = (self.id, &self.settings.name, self.settings.lease);
        let Registered { applied, session } =
            connection.wait(|c| verifiers::register(c, id, before, name, lease))?;
        self.id = Some(id);
        connection.wait(|c| verifiers::listen(c))?;
        let end = self.renew_until_end(&mut connection, id, applied, session)?;
        self.memory.shut();
        if matches!(end, End::Stopped) {
            connection.wait(|c| verifiers::deregister(c, id))?;
        }
        Ok(end)
    }

    fn renew_until_end(
        &mut self,
        connection: &mut PgConnection,
        id: Uuid,
        mut applied: Snapshot,
        session: Session,
    ) -> DatabaseResult<End> {
        let mut first = true;
        while !self.shared.pause(Duration::ZERO) {
            let sent = BootTime::now();
            let renewal = match connection.wait(|c| verifiers::renew(c, id, session, applied))? {
                Ok(renewal) => renewal,
                Err(NotRenewed::Expired) => return Ok(End::Expired),
                Err(NotRenewed::Moved) => return Ok(End::Moved),
            };
            let lease = self.settings.lease;
            self.memory
                .renew(&renewal.revoked, sent + (lease - lease / MARGIN));
            applied = renewal.snapshot;
            self.tell_renewed(sent);
            if std::mem::take(&mut first) {
                self.look_for_pooler(session);
            }
            // What has just been forgotten is acknowledged by the next renewal: at once, then.
            if renewal.revoked.is_empty() {
                self.wait_for_nudge(connection, sent + self.settings.lease / 3)?;
            }
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

    /// Waits for a nudge, until it is time to renew, or until it is time to end.
    fn wait_for_nudge(&self, connection: &mut PgConnection, until: BootTime) -> DatabaseResult<()> {
        while BootTime::now() < until && !self.shared.pause(Duration::ZERO) {
            let nudged = async |c| tokio::time::timeout(STOP_POLL, verifiers::nudge_received(c)).await;
            if let Ok(nudged) = connection.wait(nudged) {
                return nudged;
            }
        }
        Ok(())
    }

    /// A pooler that lends a connection for each transaction gives the idle lease connection's to the next who asks.
    /// Who asks is a thread of its own, which may wait for as long as it takes to connect.
    fn look_for_pooler(&self, session: Session) {
        let (shared, url) = (self.shared.clone(), self.settings.database_url.clone());
        let look = move || {
            let other = establish(&url, ConnectionLimits::NONE)
                .and_then(|mut connection| verifiers::session(&mut connection));
            if other.is_ok_and(|other| other == session) {
                shared.say_pooled();
            }
        };
        // Without it, the log tells of the pooler when it first lends another connection.
        let _ = std::thread::Builder::new()
            .name("jeton-lease-pooler".to_owned())
            .spawn(look);
    }

    fn say_failing(&mut self, error: &DatabaseError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "the lease cannot be renewed");
        }
    }
}

#[cfg(test)]
mod tests;
