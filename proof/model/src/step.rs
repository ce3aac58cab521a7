//! The steps, and how they are told.

use crate::fail_over::Server;
use crate::state::RowId;
use crate::{Xid, Xids};
use std::fmt::{self, Display, Formatter};

/// One step of one party. Any two steps may have any others between them, and time as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time goes on.
    Tick,
    /// Something goes wrong.
    Fault(Fault),
    /// A verifier's lease thread does something.
    Lease(usize, LeaseStep),
    /// Postgres executes something.
    Database(DatabaseStep),
    /// The watched verifier checks a token, or looks one up.
    Check(CheckStep),
    /// A revoker does something.
    Revoke(Xid, RevokeStep),
    /// The purger does something.
    Purge(PurgeStep),
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Disconnect { verifier: usize, executes: bool },
    Crash { verifier: usize, executes: bool },
    ServerCrash,
    FailOver,
    LoseReply { change: Xid },
}

/// A step of a lease thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseStep {
    Register(Server),
    Drop(Xids),
    Renew,
    Receive,
    Finish,
    Reconnect,
    End,
}

/// Where an operation of a lease thread is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Wire(usize),
    Orphan(usize),
}

/// A step of Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseStep {
    Begin(Place),
    Commit(Place),
    Write { row: usize },
}

/// A step of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckStep {
    Arrive,
    ReadDeadline,
    ReadClock,
    LookUp,
    Join(usize),
    Send(Server),
    Execute(usize),
    Receive(usize),
    Drop(usize),
}

/// A step of a revoker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeStep {
    Begin,
    Commit,
    CommitAlone,
    Abort,
    See,
    Round(Server),
    Acknowledge,
    Retry,
    GiveUp(RowId),
}

/// A step of the purger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurgeStep {
    Purge,
    Look,
    GiveUp(RowId),
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("time: a tick passes"),
            Self::Fault(fault) => write!(f, "FAULT: {fault}"),
            Self::Lease(verifier, step) => write!(f, "verifier v{verifier}, lease: {step}"),
            Self::Database(step) => write!(f, "Postgres: {step}"),
            Self::Check(step) => write!(f, "verifier v0, {step}"),
            Self::Revoke(change, step) => write!(f, "revoker x{change}: {step}"),
            Self::Purge(step) => write!(f, "purger: {step}"),
        }
    }
}

fn executed(executes: bool) -> &'static str {
    if executes {
        "what it sent may still be executed"
    } else {
        "nothing of what was under way is left"
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnect { verifier, executes } => {
                write!(
                    f,
                    "the connection of v{verifier} breaks, unnoticed; {}",
                    executed(*executes)
                )
            }
            Self::Crash { verifier, executes } => {
                write!(
                    f,
                    "v{verifier} crashes, a new process starts; {}",
                    executed(*executes)
                )
            }
            Self::ServerCrash => f.write_str("Postgres crashes; what was not on disk is gone"),
            Self::FailOver => f.write_str(
                "the standby is promoted; what it does not have is gone; the former primary goes on answering",
            ),
            Self::LoseReply { change } => write!(f, "the reply for x{change} is lost, its client gets a 503"),
        }
    }
}

impl Display for LeaseStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register(Server::Primary) => "sends its registration",
            Self::Register(Server::Former) => "sends its registration to the former primary",
            Self::Drop(token) => return write!(f, "hears of a token, and drops it: that of {token}"),
            Self::Renew => "reads the clock, sends a renewal",
            Self::Receive => "receives the reply, and does the first half of what follows",
            Self::Finish => "does the second half",
            Self::Reconnect => {
                "has a new connection for the broken one, and does the first half of what follows"
            }
            Self::End => "does the second half: this incarnation has ended",
        })
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(verifier) => write!(f, "the transaction of v{verifier}"),
            Self::Orphan(_) => f.write_str("a transaction whose client is gone"),
        }
    }
}

impl Display for DatabaseStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(place) => write!(f, "executes {place}, and does not commit it yet"),
            Self::Commit(place) => write!(f, "commits {place}"),
            Self::Write { row } => write!(
                f,
                "row {} of the verifiers reaches the disk, and the standby",
                row + 1
            ),
        }
    }
}

impl Display for CheckStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arrive => "check: the request arrives",
            Self::ReadDeadline => "check: reads the deadline",
            Self::ReadClock => "check: reads the clock, compares",
            Self::LookUp => "check: looks up",
            Self::Join(_) => "check: joins a query that is under way",
            Self::Send(Server::Primary) => "query: remembers the generation; is sent, for whatever waits",
            Self::Send(Server::Former) => {
                "query: remembers the generation; is sent to the former primary, for whatever waits"
            }
            Self::Execute(_) => "query: is executed by Postgres",
            Self::Receive(_) => "query: the reply arrives",
            Self::Drop(_) => "query: its connection breaks",
        })
    }
}

impl Display for RevokeStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("Postgres executes the change, and does not commit it yet"),
            Self::Commit => f.write_str("Postgres commits it"),
            Self::CommitAlone => {
                f.write_str("Postgres commits it without the standby, and its client is gone")
            }
            Self::Abort => f.write_str("Postgres aborts it, since its client is gone"),
            Self::See => f.write_str("knows that it is committed, reads the clock: t_seen"),
            Self::Round(Server::Primary) => f.write_str("reads the table of verifiers"),
            Self::Round(Server::Former) => f.write_str("reads the table of verifiers of the former primary"),
            Self::Acknowledge => f.write_str("answers with a 2xx"),
            Self::Retry => f.write_str("a retry finds nothing to change, reads the log, and commits"),
            Self::GiveUp(row) => write!(f, "deletes row {row}, which it waited out"),
        }
    }
}

impl Display for PurgeStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purge => f.write_str("deletes rows of the log"),
            Self::Look => f.write_str("looks at the verifiers' versions"),
            Self::GiveUp(row) => write!(f, "gives up row {row}"),
        }
    }
}
