//! What is to hold in every state, and what has to be possible for that to mean anything.

use crate::model::Protocol;
use crate::state::{Answer, Progress, Revoker, State, WATCHED};
use stateright::Property;

/// The promise.
pub const NO_STALE_ACCEPT: &str = "no accept that started after an acknowledgement";
/// A token that is valid is not refused.
pub const NO_WRONG_REFUSAL: &str = "no refusal of a token that was valid throughout";
/// What the promise rests on.
pub const LEASE_HAS_ROW: &str = "no live lease without a row";
/// Revocations are not waited for without end.
pub const BOUNDED_WAIT: &str = "a round a lease after t_seen acknowledges";

pub(crate) fn properties() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NO_STALE_ACCEPT, |_, state: &State| !state.has_stale_accept()),
        Property::always(NO_WRONG_REFUSAL, |_, state: &State| !state.has_wrong_refusal()),
        Property::always(LEASE_HAS_ROW, |_, state: &State| state.lease_has_row()),
        Property::always(BOUNDED_WAIT, |protocol, state: &State| state.wait_is_bounded(protocol)),
    ]
}

impl State {
    fn answer(&self) -> Option<(&Answer, u8, bool)> {
        let request = self.checks.request.as_ref()?;
        match &request.progress {
            Progress::Answered(answer) => Some((answer, request.oldest, request.always_valid)),
            _ => None,
        }
    }

    fn has_stale_accept(&self) -> bool {
        matches!(self.answer(), Some((Answer::Accepted { view, .. }, oldest, _)) if *view < oldest)
    }

    fn has_wrong_refusal(&self) -> bool {
        matches!(self.answer(), Some((Answer::Refused, _, true)))
    }

    fn lease_has_row(&self) -> bool {
        let row = self.verifiers[WATCHED].row;
        self.checks.deadline == 0 || row.is_some_and(|id| self.database.row(id).is_some())
    }

    fn wait_is_bounded(&self, protocol: &Protocol) -> bool {
        let longest = protocol.scenario.longest_lease();
        (0..self.revokers.len()).all(|change| match self.revokers[change] {
            Revoker::Waiting { since_seen, .. } if since_seen >= longest => {
                let mut next = self.clone();
                next.take_revoke_step(protocol, change, &crate::step::RevokeStep::Round);
                next.grounds(protocol, change).is_some()
            }
            _ => true,
        })
    }
}
