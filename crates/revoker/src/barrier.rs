use crate::Unconfirmed;
use crate::heartbeat::Heartbeat;
use crate::rounds::{Dead, ELSEWHERE, Rounds, TOO_MANY, Wait, Waiting, is_cut_off};
use jeton_coherence::verifiers::{Removal, Removed, Session, VerifierRow};
use jeton_coherence::{
    BootTime, ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, Pending, PgConnection, Xid,
    establish, verifiers,
};
use jeton_domain::printable;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// A statement that takes longer is given up by the server.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// So many commits of this role may wait for a standby before no connection is opened here: nothing new is to be confirmed.
const MOST_HANGING: u32 = 4;
/// How long to pause between two looks, at the least and at the most; between them, [`a part`](PAUSE_PART) of the time
/// waited so far, which is then what a look that comes too late costs.
const PAUSE: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));
/// See [`PAUSE`], as a divisor.
const PAUSE_PART: u32 = 4;
/// How often a process that has nothing to wait for looks for verifiers that have died.
const WATCH: Duration = Duration::from_secs(30);

/// How many verifiers that were removed at once are named in the log.
const MOST_SAID: usize = 20;

/// Waits for all revocations of a process: a thread with a connection of its own. Make one for the process and clone it.
/// The thread ends after the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Barrier {
    waiting: Sender<Waiting>,
    heartbeat: Heartbeat,
}

impl Barrier {
    /// Starts the thread. Twice a minute it looks for verifiers that have died, and takes them off the list, so that the
    /// next revocation need not wait for them.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(url: DatabaseUrl) -> std::io::Result<Self> {
        let (waiting, arriving) = channel();
        let heartbeat = Heartbeat::default();
        let keeper = Keeper::new(url, heartbeat.clone());
        std::thread::Builder::new()
            .name("jeton-barrier".to_owned())
            .spawn(move || keeper.run(&arriving))?;
        Ok(Self { waiting, heartbeat })
    }

    /// Waits until no verifier accepts what was revoked, and gives the value that waited for it. To be called after the
    /// revocation was committed, which is when [`revoking`](jeton_coherence::revocations::revoking) returns it. At most
    /// one lease is spent on a verifier that does not answer, and a few seconds on a database that does not.
    ///
    /// # Errors
    /// [`Unconfirmed`]: the database could not be asked, or does not answer.
    pub async fn confirm<T>(&self, pending: Pending<T>) -> Result<T, Unconfirmed> {
        let (server, is_nudged) = (pending.server(), pending.is_nudged());
        let (value, xids) = pending.into_unconfirmed();
        if xids.is_empty() || is_left_out() {
            return Ok(value);
        }
        let start = BootTime::now();
        let (reply, mut answer) = oneshot::channel();
        let stopped = || Unconfirmed("the wait was broken off".to_owned());
        self.waiting
            .send(Waiting::new(server, Wait::new(xids, is_nudged), reply))
            .map_err(|_| stopped())?;
        // Each round that succeeds meanwhile is a reason to wait on.
        loop {
            let left = self.heartbeat.deadline(start).since(BootTime::now());
            if left.is_zero() {
                return Err(Unconfirmed("no answer in time".to_owned()));
            }
            if let Ok(answer) = tokio::time::timeout(left, &mut answer).await {
                return answer.unwrap_or_else(|_| Err(stopped())).map(|()| value);
            }
        }
    }
}

/// As [`Barrier::confirm`], on a connection of the caller's, and on the caller's thread.
///
/// # Errors
/// [`Unconfirmed`]
pub fn confirm<T>(connection: &mut PgConnection, pending: Pending<T>) -> Result<T, Unconfirmed> {
    let elsewhere = pending
        .server()
        .is_some_and(|server| server != connection.server());
    let is_nudged = pending.is_nudged();
    let (value, xids) = pending.into_unconfirmed();
    if xids.is_empty() || is_left_out() {
        return Ok(value);
    }
    if elsewhere {
        return Err(Unconfirmed(ELSEWHERE.to_owned()));
    }
    let mut wait = Wait::new(xids, is_nudged);
    let unconfirmed = |error: DatabaseError| Unconfirmed(error.to_string());
    let session = verifiers::session(connection).map_err(unconfirmed)?;
    let start = BootTime::now();
    loop {
        let rows = read(connection, wait.to_nudge(), &mut false).map_err(unconfirmed)?;
        let (mut done, mut too_many) = (false, false);
        let judge = |rows: &[_], now, dead: &mut _| {
            done = wait.look(rows, now, dead);
            too_many = is_cut_off(rows);
        };
        // What it may not take off the list, whoever comes next may.
        look(connection, session, &rows, judge).map_err(unconfirmed)?;
        if too_many {
            return Err(Unconfirmed(TOO_MANY.to_owned()));
        }
        if done {
            return Ok(value);
        }
        std::thread::sleep(pause(start));
    }
}

/// Reads the list of verifiers. Where there are transactions that verifiers were not told of yet, it makes them all renew
/// before that: where the server does not pass that on, as when its queue of notifications is full, they renew when it is
/// time, and it takes longer. An error is only that the connection is lost. `nudges_fail`: whether the last nudge was not passed
/// on either, which is in the log already.
fn read(
    connection: &mut PgConnection,
    to_nudge: &[Xid],
    nudges_fail: &mut bool,
) -> DatabaseResult<Vec<VerifierRow>> {
    if to_nudge.is_empty() {
        return verifiers::list(connection);
    }
    let (nudged, rows) = verifiers::nudge_and_list(connection, to_nudge)?;
    let failed_before = std::mem::replace(nudges_fail, nudged.is_err());
    match nudged {
        Err(lost @ DatabaseError::Unavailable(_)) => return Err(lost),
        Err(error) if !failed_before => {
            tracing::warn!(%error, "verifiers cannot be nudged; revocations take longer");
        }
        Err(_) | Ok(()) => {}
    }
    Ok(rows)
}

/// How long to pause, with the wait having begun then.
fn pause(start: BootTime) -> Duration {
    (BootTime::now().since(start) / PAUSE_PART).clamp(PAUSE.0, PAUSE.1)
}

/// Never; but a build for the history checker can be told so.
fn is_left_out() -> bool {
    #[cfg(feature = "negative-controls")]
    return crate::negative_controls::barrier_is_left_out();
    #[cfg(not(feature = "negative-controls"))]
    false
}

/// Lets the list of verifiers be looked at that was just read, and takes those off it that are found to be dead. `false`: not
/// those, since the connection is served by another session than this, with which the looking began.
fn look(
    connection: &mut PgConnection,
    session: Session,
    rows: &[VerifierRow],
    judge: impl FnOnce(&[VerifierRow], BootTime, &mut Vec<Dead>),
) -> DatabaseResult<bool> {
    let mut dead = Vec::new();
    judge(rows, BootTime::now(), &mut dead);
    if dead.is_empty() {
        return Ok(true);
    }
    dead.sort_unstable();
    dead.dedup();
    let dead: Vec<(Uuid, i64)> = dead.iter().map(|dead| (dead.id, dead.version)).collect();
    match verifiers::remove_expired(connection, &dead, session)? {
        Removal::Done(removed) => say_removed(&removed),
        Removal::Moved => return Ok(false),
    }
    Ok(true)
}

/// A line for each, and for many one more with their number.
fn say_removed(removed: &[Removed]) {
    for Removed { id, name } in removed.iter().take(MOST_SAID) {
        let name = printable::cut(name);
        tracing::warn!(%id, name, "removed a verifier whose lease has expired");
    }
    if removed.len() > MOST_SAID {
        tracing::warn!(
            verifiers = removed.len(),
            "removed verifiers whose leases have expired"
        );
    }
}

struct Keeper {
    url: DatabaseUrl,
    limits: ConnectionLimits,
    connection: Option<(PgConnection, Session)>,
    rounds: Rounds,
    heartbeat: Heartbeat,
    /// See [`read`].
    nudges_fail: bool,
}

impl Keeper {
    fn new(url: DatabaseUrl, heartbeat: Heartbeat) -> Self {
        Self {
            url,
            limits: ConnectionLimits::new(STATEMENT_TIMEOUT, MOST_HANGING),
            connection: None,
            rounds: Rounds::default(),
            heartbeat,
            nudges_fail: false,
        }
    }

    fn run(mut self, arriving: &Receiver<Waiting>) {
        let mut last = BootTime::now();
        loop {
            let patience = if self.rounds.is_idle() { WATCH } else { pause(last) };
            match arriving.recv_timeout(patience) {
                Ok(first) => {
                    self.rounds.add(std::iter::once(first).chain(arriving.try_iter()));
                    last = BootTime::now();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.attempt(Self::round);
        }
    }

    /// Does a round. Where the database cannot be asked, all that wait are told so: they may have committed to a server
    /// that is no more. So are they after a panic, and the thread goes on: without it, nothing would ever be confirmed.
    fn attempt(&mut self, round: impl FnOnce(&mut Self) -> DatabaseResult<()>) {
        self.rounds.forget_abandoned();
        // Nothing that a broken round has touched is used again: not the connection, nor what was seen on it.
        let unconfirmed = match catch_unwind(AssertUnwindSafe(|| round(self))) {
            Ok(Ok(())) => return self.heartbeat.beat(),
            Ok(Err(error)) => {
                if !self.rounds.is_idle() {
                    tracing::warn!(%error, "revocations cannot be confirmed");
                }
                error.to_string()
            }
            Err(_) => {
                tracing::error!("the wait for revocations panicked");
                "the wait was broken off".to_owned()
            }
        };
        self.connection = None;
        self.rounds.fail_all(&unconfirmed);
    }

    /// Looks once for all that wait, and answers those whose revocation holds everywhere.
    fn round(&mut self) -> DatabaseResult<()> {
        let (mut connection, mut session) = match self.connection.take() {
            Some((connection, session)) if !connection.server().is_superseded() => (connection, session),
            _ => self.connect()?,
        };
        let rows = match read(&mut connection, &self.rounds.to_nudge(), &mut self.nudges_fail) {
            // The connection may have died unnoticed since it was last used.
            Err(_) if self.rounds.has_new() => {
                (connection, session) = self.connect()?;
                read(&mut connection, &self.rounds.to_nudge(), &mut self.nudges_fail)?
            }
            read => read?,
        };
        self.rounds.fail_of_others(connection.server());
        let judge = |rows: &[_], now, dead: &mut _| self.rounds.look(rows, now, dead);
        if look(&mut connection, session, &rows, judge)? {
            self.connection = Some((connection, session));
        }
        Ok(())
    }

    fn connect(&mut self) -> DatabaseResult<(PgConnection, Session)> {
        self.rounds.start_over();
        let mut connection = establish(&self.url, self.limits.clone())?;
        let session = verifiers::session(&mut connection)?;
        Ok((connection, session))
    }
}

#[cfg(test)]
mod tests;
