//! Everything that a state of the model consists of. There is no clock in it: each time is the number of ticks since or
//! until, which is all that the protocol ever compares, so that time needs no bound.

use crate::Xids;
use crate::database::{Database, Row};
use crate::fail_over::{Knows, Server};
use crate::scenario::{Faults, Scenario};
use std::fmt::{self, Display, Formatter};

/// The verifier whose checks are looked at. What any other verifier caches cannot influence this one.
pub(crate) const WATCHED: usize = 0;

/// How many changes of the watched token had been committed when it was looked up; what a cache entry holds.
pub type View = u8;

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Postgres: the primary.
    pub(crate) database: Database,
    /// The primary of before the fail-over, while anybody might ask it.
    pub(crate) former: Option<Box<Database>>,
    pub(crate) verifiers: Vec<Verifier>,
    pub(crate) checks: Checks,
    pub(crate) revokers: Vec<Revoker>,
    /// What the purger saw when it last looked at the verifiers' rows.
    pub(crate) purger: Option<Look>,
    /// The faults that may still happen.
    pub(crate) faults: Faults,
}

/// The primary key of a verifier's row: fresh for each incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    pub(crate) verifier: usize,
    pub(crate) incarnation: u8,
}

/// A transaction of a verifier's lease thread, on its way or executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) row: RowId,
    pub(crate) kind: Kind,
    pub(crate) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Insert the row, delete that of the last incarnation.
    Register { replaces: Option<RowId> },
    /// Say what has been applied and what has been dropped since, read the log.
    Renew { applied: Xids, dropped: Xids },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stage {
    Sent,
    /// Begun, not committed: `seen` is its snapshot, `found` are the rows of the log that it read.
    Open {
        seen: Xids,
        found: Xids,
    },
    /// Committed; the reply is under way.
    Done {
        seen: Xids,
        found: Xids,
    },
    /// The renewal found no row; the reply is under way.
    GivenUp,
}

/// A verifier's lease thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Verifier {
    pub(crate) lease: Lease,
    /// The row of this incarnation, or of the last one while there is none; a new process knows of none.
    pub(crate) row: Option<RowId>,
    /// How many incarnations there have been.
    pub(crate) incarnations: u8,
    /// The snapshot up to which the cache has been flushed.
    pub(crate) applied: Xids,
    /// The one operation on the thread's connection.
    pub(crate) wire: Option<Operation>,
    /// The server that it is connected to.
    pub(crate) server: Server,
    /// What the process knows of a fail-over.
    pub(crate) knows: Knows,
    /// Whether the connection works. When it no longer does, the thread notices sooner or later, and makes another.
    pub(crate) connected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lease {
    /// No row, no lease, nothing cached.
    Starting,
    /// `age`: as below, in the mutant whose registration grants a lease.
    Registering {
        age: u8,
    },
    Registered,
    /// Has heard of tokens, and dropped them: `dropped` are all changes of those. Nothing is kept until the next renewal
    /// is answered.
    Dropped {
        dropped: Xids,
    },
    /// `age`: ticks since the clock was read. `dropped`: as above, and empty where it has heard of nothing.
    Renewing {
        age: u8,
        dropped: Xids,
    },
    /// The reply has been read, and the first of flushing and publishing is done.
    Applying {
        age: u8,
        seen: Xids,
        found: Xids,
    },
    /// The first of zeroing the deadline and flushing everything is done.
    Ending,
}

/// What checks at the watched verifier work with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Checks {
    /// Ticks until the deadline; 0 when it has passed.
    pub(crate) deadline: u8,
    /// The watched token's entry.
    pub(crate) cache: Option<View>,
    pub(crate) queries: Vec<Query>,
    pub(crate) request: Option<Request>,
}

/// A query for the watched token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Query {
    pub(crate) server: Server,
    /// Whether the generation is the one remembered before it was sent.
    pub(crate) current: bool,
    /// Whether the request waits for it.
    pub(crate) awaited: bool,
    /// What it found, once executed.
    pub(crate) found: Option<View>,
}

/// The one request that is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    /// The oldest view that may be accepted: how many changes of the token had been acknowledged when it started.
    pub(crate) oldest: View,
    /// Whether the token has been valid ever since.
    pub(crate) always_valid: bool,
    /// Whether nothing is promised about it, since the process takes a former primary for the primary.
    pub(crate) exempt: bool,
    pub(crate) progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Progress {
    Arrived,
    /// Only in the mutant that looks up first.
    LookedUp(View),
    /// Has read the deadline, which is so many ticks away.
    KnowsDeadline {
        left: u8,
        looked_up: Option<View>,
    },
    /// Has compared it with the clock.
    Live,
    Missed,
    Asking,
    Answered(Answer),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Accepted { view: View, from_memory: bool },
    Refused,
}

/// A revoker with one change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Revoker {
    Pending,
    /// The transaction has its xid, and is not committed. `lost`: its client is gone.
    /// `age`: ticks since the mutant that reads the clock too early has read it.
    Open {
        lost: bool,
        age: u8,
    },
    /// Committed, or found to have been; the reply is under way.
    Committed {
        retried: bool,
        age: u8,
    },
    /// Committed; the client has been told 503, and may retry.
    Unknown,
    /// At the barrier.
    Waiting {
        retried: bool,
        since_seen: u8,
        look: Option<Look>,
    },
    /// Answered with 2xx. `look` holds the rows that were waited out.
    Acknowledged {
        look: Option<Look>,
    },
}

/// A first look at verifiers' rows: the version of each, and how long ago.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) age: u8,
    pub(crate) rows: Vec<(RowId, u8)>,
}

impl State {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let verifier = Verifier {
            lease: Lease::Starting,
            row: None,
            incarnations: 0,
            applied: Xids::default(),
            wire: None,
            server: Server::Primary,
            knows: Knows::Nothing,
            connected: true,
        };
        Self {
            database: Database::default(),
            former: None,
            verifiers: vec![verifier; scenario.leases.len()],
            checks: Checks::default(),
            revokers: vec![Revoker::Pending; scenario.changes.len()],
            purger: None,
            faults: scenario.faults.clone(),
        }
    }

    /// The looks that remember a version.
    pub(crate) fn looks(&self) -> impl Iterator<Item = &Look> {
        self.revokers.iter().filter_map(Revoker::look).chain(&self.purger)
    }

    /// Whether the run is over: there is one request, and it has been answered.
    pub(crate) fn is_over(&self) -> bool {
        matches!(
            self.checks.request,
            Some(Request {
                progress: Progress::Answered(_),
                ..
            })
        )
    }
}

impl Revoker {
    pub(crate) fn look(&self) -> Option<&Look> {
        match self {
            Self::Waiting { look, .. } | Self::Acknowledged { look } => look.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn look_mut(&mut self) -> Option<&mut Option<Look>> {
        match self {
            Self::Waiting { look, .. } | Self::Acknowledged { look } => Some(look),
            _ => None,
        }
    }
}

impl Look {
    pub(crate) fn at<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let rows = rows.map(|row| (row.id, row.version)).collect();
        Self { age: 0, rows }
    }
}

impl Lease {
    /// All changes of the tokens that were dropped, while nothing is kept.
    pub(crate) fn dropped(self) -> Xids {
        match self {
            Self::Dropped { dropped } | Self::Renewing { dropped, .. } => dropped,
            _ => Xids::default(),
        }
    }
}

impl Display for RowId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.verifier, self.incarnation)
    }
}
