//! What takes part, and which faults may happen.

use crate::{Xid, Xids, state::View};

/// What a change does. Each is one transaction that writes one row of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes the watched token invalid: a logout, a disabled user.
    Revoke,
    /// Leaves the watched token valid, but not as it was: other scopes, a shorter life.
    Rescope,
    /// Makes the watched token valid again: the user is enabled.
    Restore,
    /// Does anything to another token.
    Elsewhere,
}

/// How often each fault may happen in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A verifier's connection breaks, which it notices late; what was under way is executed or not.
    pub disconnects: u8,
    /// A verifier's process crashes, and a new one starts.
    pub crashes: u8,
    /// Postgres crashes, and forgets what was not on disk.
    pub server_crashes: u8,
    /// The standby is promoted, with all that was acknowledged, and the former primary comes back as it was.
    pub fail_overs: u8,
    /// A revoker loses its connection or crashes: it does not learn the outcome, and the client does not get a 2xx.
    pub lost_replies: u8,
}

impl Faults {
    /// Whether any of them may still take rows of verifiers back to what they were.
    pub(crate) fn may_undo(&self) -> bool {
        self.server_crashes > 0 || self.fail_overs > 0
    }
}

/// A configuration of the model.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// The lease of each verifier, in ticks. The first is the one whose checks are looked at.
    pub leases: &'static [u8],
    /// The changes, each with a revoker of its own.
    pub changes: &'static [Change],
    /// How many queries the watched verifier can have under way.
    pub queries: u8,
    /// How many times each verifier can register.
    pub incarnations: u8,
    /// The faults.
    pub faults: Faults,
    /// Whether there is a purger of the log.
    pub purges: bool,
    /// Whether there is a purger that gives verifiers up.
    pub gives_up: bool,
}

impl Scenario {
    /// The longest lease.
    pub(crate) fn longest_lease(&self) -> u8 {
        self.leases.iter().copied().max().unwrap_or(0)
    }

    /// The changes of the watched token.
    pub(crate) fn watched(&self) -> Xids {
        let is_watched = |xid: &Xid| self.changes[*xid] != Change::Elsewhere;
        (0..self.changes.len()).filter(is_watched).collect()
    }

    /// The tokens that change, each as the set of all of its changes: the watched one, and another.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = Xids> {
        let all: Xids = (0..self.changes.len()).collect();
        let tokens = [self.watched(), all.without(self.watched())];
        tokens.into_iter().filter(|token| !token.is_empty())
    }

    /// The view that a statement with this snapshot has of the watched token. Its changes lock its row, so they are
    /// committed one after the other, and their number says which.
    pub(crate) fn view(&self, snapshot: Xids) -> View {
        snapshot.and(self.watched()).len()
    }

    /// The view that the change brings about, if it is one of the watched token.
    pub(crate) fn view_after(&self, change: Xid) -> Option<View> {
        let watched = self.watched();
        watched.contains(change).then(|| watched.below(change).len() + 1)
    }

    /// Whether the token is valid in that view.
    pub(crate) fn is_valid(&self, view: View) -> bool {
        let mut watched = self.changes.iter().filter(|change| **change != Change::Elsewhere);
        let last = usize::from(view)
            .checked_sub(1)
            .and_then(|skipped| watched.nth(skipped));
        last != Some(&Change::Revoke)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_count_the_changes_of_the_watched_token() {
        let scenario = Scenario {
            changes: &[Change::Elsewhere, Change::Revoke, Change::Restore],
            ..crate::scenarios(crate::Size::Small)[0].clone()
        };
        assert_eq!(scenario.view([0, 1].into_iter().collect()), 1);
        assert_eq!(scenario.view_after(0), None);
        assert_eq!(scenario.view_after(2), Some(2));
        assert_eq!([0, 1, 2].map(|view| scenario.is_valid(view)), [true, false, true]);
    }
}
