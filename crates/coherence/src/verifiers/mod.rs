//! The verifiers that may answer from memory, and what each has applied of the log of revocations.

mod lease;
mod list;

pub use lease::{deregister, find_session, listen, nudge_received, nudges_so_far, register, renew};
pub(crate) use list::nudge_of_this_revocation;
pub use list::{list, nudge, nudge_and_list, remove_expired, session};

use crate::Snapshot;
use crate::revocations::Revoked;
use diesel::prelude::*;
use std::time::Duration;
use uuid::Uuid;

/// The channel that verifiers listen to, and revokers notify. A notification makes a renewal come sooner, and says what to
/// forget before it, which makes one do for two. It decides nothing: anybody can send one.
pub const NUDGE_CHANNEL: &str = "jeton_revocations";

/// How many verifiers a role may have registered at once, those among them that have died and were not taken off the list
/// yet: `jeton_register` refuses more.
pub const MOST_PER_ROLE: usize = 256;

/// How many verifiers revocations are waited for at the most: [`list`] reads one more than these, and where there is one
/// more, nothing can be confirmed until some are taken off the list. Forty roles can have so many, and nobody else but
/// whoever writes to the table by hand.
pub const MOST_LISTED: usize = 10_000;

/// What [`session`] has named the session that runs the statement; null where it has not, or the name was reset.
const THIS_SESSION: &str = "nullif(current_setting('jeton.session', true), '')::uuid";

/// A session of the server's, by a name that no other ever has. Behind a pool that lends connections for a transaction,
/// it may be another one with each statement, and of a server that has crashed and lost since what was not on the disk.
/// The number of the process would not tell: in a container, it may be the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(Uuid);

/// A verifier at the beginning of its life.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What it has applied: it remembers nothing yet.
    pub applied: Snapshot,
    /// Where it has registered.
    pub session: Session,
}

/// What a renewal brought.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// What is to be forgotten.
    pub revoked: Revoked,
    /// What is applied once that is forgotten.
    pub snapshot: Snapshot,
}

/// Why a lease was not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRenewed {
    /// The row is gone: somebody has waited for the verifier in vain. Or it is another role's, or what is said to be applied
    /// is not what the last renewal has told.
    Expired,
    /// Another session serves the connection than when it registered.
    Moved,
}

/// What became of taking verifiers off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// These are off. The others have renewed, or are off already, or somebody holds their rows.
    Done(Vec<Removed>),
    /// Nothing: another session serves the connection than when the verifiers were first seen.
    Moved,
}

/// A verifier that was taken off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Which it was.
    pub id: Uuid,
    /// What a person called it; 128 characters at the most.
    pub name: String,
}

/// A verifier, as those see it who wait for it.
#[derive(Debug, Clone, Queryable)]
pub struct VerifierRow {
    /// Names one life of the verifier: it registers with another after every lost connection.
    pub id: Uuid,
    /// Counts its renewals.
    pub version: i64,
    /// All revocations that this snapshot sees have left its memory.
    pub applied: Snapshot,
    /// See [`lease`](Self::lease).
    pub lease_ms: i32,
}

impl VerifierRow {
    /// How long after sending a renewal it may answer from memory.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default())
    }
}
