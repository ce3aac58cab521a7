use crate::Unconfirmed;
use crate::rounds::{Dead, Wait, Watch};
use jeton_persistence::{
    BootTime, ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, Revocation,
    establish, verifiers,
};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// A round that takes longer is given up by the server.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long to pause between two looks: at first, and, twice as long each time, at the most.
const PAUSE: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));
/// How often a process that has nothing to wait for looks for verifiers that have died.
const WATCH: Duration = Duration::from_secs(30);
/// How long anybody waits in all: the longest lease that there can be, and a little.
const PATIENCE: Duration = Duration::from_secs(65);

/// Waits for all revocations of a process: a thread with a connection of its own. Make one for the process and clone it.
/// The thread ends after the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Barrier {
    waiting: Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wait: Wait,
    reply: oneshot::Sender<Result<(), Unconfirmed>>,
}

impl Barrier {
    /// Starts the thread. Twice a minute it looks for verifiers that have died, and takes them off the list, so that the
    /// next revocation need not wait for them.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(url: DatabaseUrl) -> std::io::Result<Self> {
        let (waiting, arriving) = channel();
        let keeper = Keeper {
            url,
            connection: None,
            waiting: Vec::new(),
            watch: Watch::default(),
        };
        std::thread::Builder::new()
            .name("jeton-barrier".to_owned())
            .spawn(move || keeper.run(&arriving))?;
        Ok(Self { waiting })
    }

    /// Waits until no verifier accepts what was revoked. To be called after the revocation was committed, which is when
    /// [`revoking`](jeton_persistence::revocations::revoking) returns it. At most one lease is spent on a verifier that
    /// does not answer.
    ///
    /// # Errors
    /// [`Unconfirmed`]: the database could not be asked.
    pub async fn wait(&self, revocation: Revocation) -> Result<(), Unconfirmed> {
        if revocation.xids.is_empty() || is_left_out() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let wait = Wait::new(revocation);
        let stopped = || Unconfirmed("the thread that waits has stopped".to_owned());
        self.waiting
            .send(Waiting { wait, reply })
            .map_err(|_| stopped())?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(stopped())),
            Err(_) => Err(Unconfirmed("no answer in time".to_owned())),
        }
    }
}

/// As [`Barrier::wait`], on a connection of the caller's, and on the caller's thread.
///
/// # Errors
/// [`Unconfirmed`]
pub fn wait(connection: &mut PgConnection, revocation: Revocation) -> Result<(), Unconfirmed> {
    if revocation.xids.is_empty() || is_left_out() {
        return Ok(());
    }
    let mut wait = Wait::new(revocation);
    let unconfirmed = |error: DatabaseError| Unconfirmed(error.to_string());
    verifiers::nudge(connection).map_err(unconfirmed)?;
    let mut pause = PAUSE.0;
    loop {
        let mut done = false;
        look(connection, |rows, now, dead| done = wait.look(rows, now, dead)).map_err(unconfirmed)?;
        if done {
            return Ok(());
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Never; but a build for the history checker can be told so.
fn is_left_out() -> bool {
    #[cfg(feature = "negative-controls")]
    return crate::negative_controls::barrier_is_left_out();
    #[cfg(not(feature = "negative-controls"))]
    false
}

/// One round: reads the list of verifiers, lets it be looked at, and takes those off it that are found to be dead.
fn look(
    connection: &mut PgConnection,
    judge: impl FnOnce(&[verifiers::VerifierRow], BootTime, &mut Vec<Dead>),
) -> DatabaseResult<()> {
    let rows = verifiers::list(connection)?;
    let mut dead = Vec::new();
    judge(&rows, BootTime::now(), &mut dead);
    dead.sort_by_key(|dead| dead.id);
    dead.dedup();
    for Dead { id, name, version } in dead {
        if verifiers::give_up(connection, id, version)? {
            tracing::warn!(%id, name, "gave up a verifier that has not renewed its lease");
        }
    }
    Ok(())
}

struct Keeper {
    url: DatabaseUrl,
    connection: Option<PgConnection>,
    waiting: Vec<Waiting>,
    watch: Watch,
}

impl Keeper {
    fn run(mut self, arriving: &Receiver<Waiting>) {
        let mut pause = PAUSE.0;
        loop {
            let idle = self.waiting.is_empty();
            let arrived = match arriving.recv_timeout(if idle { WATCH } else { pause }) {
                Ok(first) => {
                    self.waiting.push(first);
                    self.waiting.extend(arriving.try_iter());
                    true
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            pause = if arrived || idle {
                PAUSE.0
            } else {
                (pause * 2).min(PAUSE.1)
            };
            self.round(arrived);
        }
    }

    /// Looks once for all that wait, and answers those whose revocation holds everywhere. Where the database cannot be
    /// asked, all are told so: they may have committed to a server that is no more.
    fn round(&mut self, arrived: bool) {
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
        if let Err(error) = self.try_round(arrived) {
            if !self.waiting.is_empty() {
                tracing::warn!(%error, "revocations cannot be confirmed");
            }
            for waiting in self.waiting.drain(..) {
                let _ = waiting.reply.send(Err(Unconfirmed(error.to_string())));
            }
        }
    }

    fn try_round(&mut self, arrived: bool) -> DatabaseResult<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // The connection may have died unnoticed since it was last used.
        if arrived && verifiers::nudge(&mut connection).is_err() {
            connection = self.connect()?;
            verifiers::nudge(&mut connection)?;
        }
        let mut still = Vec::new();
        let (waiting, watch) = (&mut self.waiting, &mut self.watch);
        let looked = look(&mut connection, |rows, now, dead| {
            watch.look(rows, now, dead);
            for mut one in waiting.drain(..) {
                if one.wait.look(rows, now, dead) {
                    let _ = one.reply.send(Ok(()));
                } else {
                    still.push(one);
                }
            }
        });
        self.waiting.append(&mut still);
        looked?;
        self.connection = Some(connection);
        Ok(())
    }

    fn connect(&mut self) -> DatabaseResult<PgConnection> {
        self.watch = Watch::default();
        for waiting in &mut self.waiting {
            waiting.wait.start_over();
        }
        let limits = ConnectionLimits {
            statement_timeout: Some(STATEMENT_TIMEOUT),
        };
        establish(&self.url, limits)
    }
}
