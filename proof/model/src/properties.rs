//! What is to hold in every state, and what has to be possible for that to mean anything.

use crate::fail_over::{Knows, Server};
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::revoker::Grounds;
use crate::state::{Answer, Kind, Lease, Operation, Progress, Request, Revoker, Stage, State, WATCHED};
use crate::step::RevokeStep;
use stateright::Property;

/// The promise.
pub const NO_STALE_ACCEPT: &str = "no accept by a request that started after an acknowledgement";
/// A token that is valid is not refused.
pub const NO_WRONG_REFUSAL: &str = "no refusal of a token that was valid throughout";
/// Why a barrier need not wait for rows that are gone.
pub const LEASE_HAS_ROW: &str = "no live lease without a row";
/// Why a barrier need not wait for rows that have applied the change.
pub const APPLIED_IS_FLUSHED: &str = "what a row says is applied has been flushed";
/// Revocations are not waited for without end.
pub const BOUNDED_WAIT: &str = "a round a lease after t_seen acknowledges";

const HIT: &str = "a hit";
const HIT_AFTER_RENEWALS: &str = "a hit after two renewals";
const HIT_OF_LATER_VIEW: &str = "a hit of a token that has been changed";
const REFUSAL: &str = "a refusal";
const DISCARDED_FILL: &str = "an answer that is used, and not kept";
const BY_APPLIED: &str = "an acknowledgement because all have applied it";
const BY_EXPIRY: &str = "an acknowledgement because a lease is over";
const RETRY: &str = "an acknowledged retry";
const AT_ONCE: &str = "a change that is applied with one renewal";
const GIVEN_UP: &str = "a verifier that learns that it has been given up";
const PURGED: &str = "a purged log row";
const TWO_INCARNATIONS: &str = "two rows of one verifier";
const OVERTAKING: &str = "a commit that overtakes one with a lower xid";
const UNREPLICATED: &str = "a change that is visible, and that the standby does not have";
const AFTER_FAIL_OVER: &str = "an acknowledgement after a fail-over";
const MISLED: &str = "a lease from a former primary, of a process that knows of no other";

/// What the scenarios have to show between them. A promise is easily kept by those who do nothing.
pub const SOMETIMES: [&str; 16] = [
    HIT,
    HIT_AFTER_RENEWALS,
    HIT_OF_LATER_VIEW,
    REFUSAL,
    DISCARDED_FILL,
    BY_APPLIED,
    BY_EXPIRY,
    RETRY,
    AT_ONCE,
    GIVEN_UP,
    PURGED,
    TWO_INCARNATIONS,
    OVERTAKING,
    UNREPLICATED,
    AFTER_FAIL_OVER,
    MISLED,
];

pub(crate) fn properties(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(NO_STALE_ACCEPT, |_, state: &State| !state.has_stale_accept()),
        Property::always(NO_WRONG_REFUSAL, |_, state: &State| !state.has_wrong_refusal()),
        Property::always(LEASE_HAS_ROW, |_, state: &State| state.lease_has_row()),
        Property::always(APPLIED_IS_FLUSHED, |protocol, state: &State| {
            state.applied_is_flushed(protocol)
        }),
        Property::always(BOUNDED_WAIT, |protocol, state: &State| {
            state.wait_is_bounded(protocol)
        }),
    ];
    // What a mutant can do that breaks a property is of no interest.
    if protocol.mutant.and_then(Mutant::breaks).is_none() {
        properties.extend(possibilities());
    }
    properties
}

fn possibilities() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(HIT, |_, state: &State| state.hit().is_some()),
        Property::sometimes(HIT_AFTER_RENEWALS, |_, state: &State| {
            state.hit().is_some() && state.database.rows.iter().any(|row| row.version > 1)
        }),
        Property::sometimes(HIT_OF_LATER_VIEW, |_, state: &State| state.hit() > Some(0)),
        Property::sometimes(REFUSAL, |_, state: &State| {
            matches!(state.answer(), Some((Answer::Refused, _)))
        }),
        Property::sometimes(DISCARDED_FILL, |protocol, state: &State| {
            state.will_discard(protocol)
        }),
        Property::sometimes(BY_APPLIED, |protocol, state: &State| {
            !state.database.rows.is_empty() && state.may_acknowledge(protocol, Grounds::Applied, false)
        }),
        Property::sometimes(BY_EXPIRY, |protocol, state: &State| {
            state.may_acknowledge(protocol, Grounds::Expired, false)
        }),
        Property::sometimes(RETRY, |protocol, state: &State| {
            state.may_acknowledge(protocol, Grounds::Applied, true)
        }),
        Property::sometimes(AT_ONCE, |_, state: &State| state.applies_at_once()),
        Property::sometimes(GIVEN_UP, |_, state: &State| state.has_been_given_up()),
        Property::sometimes(PURGED, |_, state: &State| {
            state.database.log != state.database.committed
        }),
        Property::sometimes(TWO_INCARNATIONS, |_, state: &State| state.has_two_rows_of_one()),
        Property::sometimes(OVERTAKING, |_, state: &State| {
            state.database.committed != state.database.committed.filled_up()
        }),
        Property::sometimes(UNREPLICATED, |_, state: &State| {
            state.database.committed != state.database.replicated
        }),
        Property::sometimes(AFTER_FAIL_OVER, |protocol, state: &State| {
            state.faults.fail_overs < protocol.scenario.faults.fail_overs
                && state.may_acknowledge(protocol, Grounds::Applied, false)
        }),
        Property::sometimes(MISLED, |_, state: &State| {
            state.verifiers[WATCHED].knows == Knows::Misled && state.checks.deadline > 0
        }),
    ]
}

impl State {
    fn answer(&self) -> Option<(&Answer, &Request)> {
        let request = self.checks.request.as_ref()?;
        match &request.progress {
            Progress::Answered(answer) => Some((answer, request)),
            _ => None,
        }
    }

    fn has_stale_accept(&self) -> bool {
        matches!(self.answer(), Some((Answer::Accepted { view, .. }, request)) if *view < request.oldest && !request.exempt)
    }

    fn has_wrong_refusal(&self) -> bool {
        matches!(self.answer(), Some((Answer::Refused, request)) if request.always_valid && !request.exempt)
    }

    fn lease_has_row(&self) -> bool {
        let row = self.verifiers[WATCHED].row;
        let is_misled = self.verifiers[WATCHED].knows == Knows::Misled;
        self.checks.deadline == 0 || is_misled || row.is_some_and(|id| self.database.row(id).is_some())
    }

    fn applied_is_flushed(&self, protocol: &Protocol) -> bool {
        let row = self.verifiers[WATCHED].row.and_then(|id| self.database.row(id));
        let said = row.map(|row| protocol.scenario.view(row.applied));
        self.checks.cache.is_none() || self.checks.cache >= said
    }

    fn wait_is_bounded(&self, protocol: &Protocol) -> bool {
        let longest = protocol.scenario.longest_lease();
        (0..self.revokers.len()).all(|change| match self.revokers[change] {
            Revoker::Waiting { since_seen, .. } if since_seen >= longest => {
                let mut next = self.clone();
                next.take_revoke_step(protocol, change, &RevokeStep::Round(Server::Primary));
                next.grounds(protocol, change).is_some()
            }
            _ => true,
        })
    }

    fn hit(&self) -> Option<u8> {
        match self.answer() {
            Some((Answer::Accepted { view, from_memory }, _)) if *from_memory => Some(*view),
            _ => None,
        }
    }

    fn will_discard(&self, protocol: &Protocol) -> bool {
        let found_valid = |found: Option<u8>| found.is_some_and(|view| protocol.scenario.is_valid(view));
        self.checks
            .queries
            .iter()
            .any(|query| !query.current && query.awaited && found_valid(query.found))
    }

    fn may_acknowledge(&self, protocol: &Protocol, wanted: Grounds, only_retries: bool) -> bool {
        self.revokers.iter().enumerate().any(|(change, revoker)| {
            let retried = matches!(revoker, Revoker::Waiting { retried: true, .. });
            (retried || !only_retries) && self.grounds(protocol, change) == Some(wanted)
        })
    }

    fn has_been_given_up(&self) -> bool {
        self.verifiers.iter().any(|verifier| {
            let operation = verifier.wire.as_ref();
            matches!(verifier.lease, Lease::Renewing { .. })
                && operation.is_some_and(|operation| operation.stage == Stage::GivenUp)
        })
    }

    fn applies_at_once(&self) -> bool {
        self.verifiers.iter().any(|verifier| match verifier.wire {
            Some(Operation {
                kind: Kind::Renew { applied, .. },
                stage: Stage::Done { seen, found },
                ..
            }) => found.is_empty() && !applied.contains_all(seen),
            _ => false,
        })
    }

    fn has_two_rows_of_one(&self) -> bool {
        let owners = self.database.rows.iter().map(|row| row.id.verifier);
        owners
            .clone()
            .zip(owners.skip(1))
            .any(|(owner, next)| owner == next)
    }
}
