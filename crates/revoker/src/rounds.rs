//! What has been waited for and what has not: the rule, without threads and time of its own.

use crate::Unconfirmed;
use jeton_coherence::verifiers::{MOST_LISTED, VerifierRow};
use jeton_coherence::{BootTime, ServerIdentity, Xid};
use std::collections::HashMap;
use tokio::sync::oneshot;
use uuid::Uuid;

/// All that a process waits for, and watches, on one connection.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    waiting: Vec<Waiting>,
    watch: Watch,
}

/// Somebody who waits for a revocation.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The server that has committed it.
    server: Option<ServerIdentity>,
    wait: Wait,
    reply: oneshot::Sender<Result<(), Unconfirmed>>,
}

impl Waiting {
    pub(crate) fn new(
        server: Option<ServerIdentity>,
        wait: Wait,
        reply: oneshot::Sender<Result<(), Unconfirmed>>,
    ) -> Self {
        Self { server, wait, reply }
    }
}

impl Rounds {
    pub(crate) fn add(&mut self, arrived: impl Iterator<Item = Waiting>) {
        self.waiting.extend(arrived);
    }

    /// Whether nobody waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether somebody has come since the last look.
    pub(crate) fn has_new(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.wait.standing.is_none())
    }

    /// What those wait for who have come since the last look, of which verifiers were not told yet.
    pub(crate) fn to_nudge(&self) -> Vec<Xid> {
        let xids = self.waiting.iter().flat_map(|waiting| waiting.wait.to_nudge());
        xids.copied().collect()
    }

    /// Forgets those who do not wait any more.
    pub(crate) fn forget_abandoned(&mut self) {
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
    }

    /// Tells those that it was in vain whose revocation another server has committed: this one may not have it, and may have
    /// given its number to something else.
    pub(crate) fn fail_of_others(&mut self, server: ServerIdentity) {
        let (here, elsewhere) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.server.is_none_or(|mine| mine == server));
        self.waiting = here;
        fail(elsewhere, ELSEWHERE);
    }

    /// As [`Wait::look`], for all, and answers those whose revocation holds everywhere. Where the list is longer than a
    /// round is to be, nobody can be told that; but the dead among those that were read are found, and so are the next.
    pub(crate) fn look(&mut self, rows: &[VerifierRow], now: BootTime, dead: &mut Vec<Dead>) {
        self.watch.look(rows, now, dead);
        if is_cut_off(rows) {
            return self.fail_all(TOO_MANY);
        }
        for mut one in std::mem::take(&mut self.waiting) {
            if one.wait.look(rows, now, dead) {
                let _ = one.reply.send(Ok(()));
            } else {
                self.waiting.push(one);
            }
        }
    }

    /// Tells all who wait that it was in vain.
    pub(crate) fn fail_all(&mut self, reason: &str) {
        fail(std::mem::take(&mut self.waiting), reason);
    }

    /// Forgets what was seen, since it was seen on another connection.
    pub(crate) fn start_over(&mut self) {
        self.watch = Watch::default();
        for waiting in &mut self.waiting {
            waiting.wait.start_over();
        }
    }
}

fn fail(waiting: Vec<Waiting>, reason: &str) {
    for one in waiting {
        let _ = one.reply.send(Err(Unconfirmed(reason.to_owned())));
    }
}

// A crash of the server may undo a renewal, since renewals do not wait for the disk, and bring back the version that was
// seen before it, of a verifier that lives on what it was granted. So nothing that was seen on one connection counts on
// the next: both of these begin anew with it. Behind a pool, that is decided where a row is taken away
// (`verifiers::remove_expired`).

/// Why nothing can be confirmed where [`is_cut_off`].
pub(crate) const TOO_MANY: &str = "there are more verifiers than can be waited for";

/// Why nothing can be confirmed of what another server has committed.
pub(crate) const ELSEWHERE: &str = "another server than this one has committed it";

/// Whether the list may be longer than what was read of it.
pub(crate) fn is_cut_off(rows: &[VerifierRow]) -> bool {
    rows.len() > MOST_LISTED
}

/// One revocation, and the verifiers that stand between it and its acknowledgement.
#[derive(Debug)]
pub(crate) struct Wait {
    /// The transactions that revoked.
    xids: Vec<Xid>,
    is_nudged: bool,
    /// The verifiers that had not applied it when last seen; `None`: nobody has looked yet.
    standing: Option<HashMap<Uuid, Standing>>,
}

#[derive(Debug, Clone)]
struct Standing {
    version: i64,
    /// From then on it answers nothing from memory that it remembers from before the revocation.
    until: BootTime,
}

/// A verifier that was waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dead {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
}

impl From<&VerifierRow> for Dead {
    fn from(row: &VerifierRow) -> Self {
        Self {
            id: row.id,
            version: row.version,
        }
    }
}

impl Wait {
    pub(crate) fn new(xids: Vec<Xid>, is_nudged: bool) -> Self {
        Self {
            xids,
            is_nudged,
            standing: None,
        }
    }

    /// What it waits for, if nobody has looked yet, and verifiers were not told.
    pub(crate) fn to_nudge(&self) -> &[Xid] {
        match self.standing {
            None if !self.is_nudged => &self.xids,
            _ => &[],
        }
    }

    /// Forgets what was seen, since it was seen on another connection.
    pub(crate) fn start_over(&mut self) {
        self.standing = None;
    }

    /// Looks at a list of all verifiers that was read after the revocation was committed, just before `now`; adds those
    /// to `dead` whose time is over. Returns whether the revocation holds everywhere.
    ///
    /// A verifier that is not in the first list has registered later, or will: it remembers nothing from before.
    pub(crate) fn look(&mut self, rows: &[VerifierRow], now: BootTime, dead: &mut Vec<Dead>) -> bool {
        let before = self.standing.take();
        let mut standing = HashMap::new();
        for row in rows {
            if self.xids.iter().all(|xid| row.applied.sees(*xid)) {
                continue;
            }
            let seen = match &before {
                // Counted from after the list was read: a renewal that made the version what it is was sent before.
                None => Standing {
                    version: row.version,
                    until: now + row.lease(),
                },
                Some(before) => match before.get(&row.id) {
                    Some(seen) => seen.clone(),
                    None => continue,
                },
            };
            if now < seen.until {
                standing.insert(row.id, seen);
            } else if row.version == seen.version {
                dead.push(Dead::from(row));
            }
        }
        let done = standing.is_empty();
        self.standing = Some(standing);
        done
    }
}

/// Finds verifiers that have died without anybody waiting for them.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Each verifier's version, and since when it has been that.
    seen: HashMap<Uuid, (i64, BootTime)>,
}

impl Watch {
    /// As [`Wait::look`]: one that has not renewed for a whole lease is dead, since it does so several times in one.
    pub(crate) fn look(&mut self, rows: &[VerifierRow], now: BootTime, dead: &mut Vec<Dead>) {
        let before = std::mem::take(&mut self.seen);
        for row in rows {
            let since = match before.get(&row.id) {
                Some((version, since)) if *version == row.version => *since,
                _ => now,
            };
            if now.since(since) >= row.lease() {
                dead.push(Dead::from(row));
            }
            self.seen.insert(row.id, (row.version, since));
        }
    }
}

#[cfg(test)]
mod tests;
