use crate::clock::Stamp;
use crate::wire::{Check, Checks, Gone, Right, Sighting, TokenNumber};
use std::sync::Arc;
use std::time::Duration;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted { with_write: bool },
    Refused,
    Unavailable,
}

/// Checks of one token that may be under way at the same time: while one waits for a reply that is held back, another
/// must begin.
const IN_FLIGHT: u8 = 2;

/// After a refusal the next check comes after a pause, which doubles with each: nothing negative is cached, so every
/// check of a revoked token is a query.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// A token that one thread checks, and what there is to report of it.
pub(super) struct Watched {
    pub(super) token: TokenNumber,
    pub(super) text: Arc<str>,
    gone: Gone,
    /// To be reported after every round.
    pub(super) urgent: bool,
    in_flight: u8,
    pause: Duration,
    not_before: Stamp,
    accepted: Option<Checks>,
    with_write: Option<Checks>,
    refused: Option<Checks>,
}

impl Watched {
    pub(super) fn new(token: TokenNumber, text: &str, gone: Gone) -> Self {
        Self {
            token,
            text: text.into(),
            gone,
            // Somebody may wait for the first accept.
            urgent: true,
            in_flight: 0,
            pause: Duration::ZERO,
            not_before: Stamp(0),
            accepted: None,
            with_write: None,
            refused: None,
        }
    }

    pub(super) fn gone(&mut self, right: Right, at: Stamp) {
        self.gone.of(right).get_or_insert(at);
    }

    pub(super) fn back(&mut self, right: Right) {
        *self.gone.of(right) = None;
        self.pause = Duration::ZERO;
        self.not_before = Stamp(0);
    }

    pub(super) fn is_due(&self, now: Stamp) -> bool {
        self.in_flight < IN_FLIGHT && self.not_before <= now
    }

    /// A check did not end at once.
    pub(super) fn waits(&mut self) {
        self.in_flight += 1;
    }

    pub(super) fn has_waited(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether this is to be reported at once, before anything else is done: it looks like a violation.
    #[must_use]
    pub(super) fn note(&mut self, check: Check, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Accepted { with_write } => {
                self.pause = Duration::ZERO;
                Checks::note(&mut self.accepted, check);
                if with_write {
                    Checks::note(&mut self.with_write, check);
                }
                let late = |gone: Option<Stamp>| gone.is_some_and(|gone| check.start > gone);
                late(self.gone.use_) || with_write && late(self.gone.write)
            }
            Outcome::Refused => {
                Checks::note(&mut self.refused, check);
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                self.not_before = check.end.plus(self.pause);
                false
            }
            Outcome::Unavailable => {
                self.not_before = check.end.plus(FIRST_PAUSE);
                false
            }
        }
    }

    /// What is new since this was last asked.
    pub(super) fn take_news(&mut self) -> Option<Sighting> {
        let sighting = Sighting {
            token: self.token,
            accepted: self.accepted.take(),
            with_write: self.with_write.take(),
            refused: self.refused.take(),
        };
        (sighting.accepted.is_some() || sighting.refused.is_some()).then_some(sighting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: Outcome = Outcome::Accepted { with_write: true };

    fn check(start: u64, end: u64) -> Check {
        Check {
            start: Stamp(start),
            end: Stamp(end),
        }
    }

    fn watched() -> Watched {
        Watched::new(TokenNumber(1), "", Gone::default())
    }

    #[test]
    fn an_accept_after_the_acknowledgement_is_told_at_once() {
        let mut watched = watched();
        assert!(!watched.note(check(10, 11), ACCEPTED));
        watched.gone(Right::Use, Stamp(20));
        assert!(!watched.note(check(20, 25), ACCEPTED));
        assert!(watched.note(check(21, 25), ACCEPTED));
        watched.back(Right::Use);
        assert!(!watched.note(check(30, 31), ACCEPTED));
        watched.gone(Right::Write, Stamp(40));
        assert!(watched.note(check(41, 42), ACCEPTED));
        assert!(!watched.note(check(41, 42), Outcome::Accepted { with_write: false }));
    }

    #[test]
    fn news_are_told_once() {
        let mut watched = watched();
        assert_eq!(watched.take_news(), None);
        for (start, end) in [(12, 22), (10, 21), (11, 13)] {
            let _ = watched.note(check(start, end), ACCEPTED);
        }
        let accepted = watched.take_news().unwrap().accepted.unwrap();
        assert_eq!(accepted.first_to_end, check(11, 13));
        assert_eq!(accepted.last_to_start, check(12, 22));
        assert_eq!(watched.take_news(), None);
    }

    #[test]
    fn refused_tokens_are_asked_for_less_and_less_often() {
        let mut watched = watched();
        let _ = watched.note(check(10, 11), Outcome::Refused);
        assert!(!watched.is_due(Stamp(12)));
        assert!(watched.is_due(Stamp(11).plus(FIRST_PAUSE)));
        for _ in 0..20 {
            let _ = watched.note(check(10, 11), Outcome::Refused);
        }
        assert!(watched.is_due(Stamp(11).plus(LONGEST_PAUSE)));
    }

    #[test]
    fn a_check_that_waits_does_not_keep_the_next_from_beginning() {
        let mut watched = watched();
        watched.waits();
        assert!(watched.is_due(Stamp(1)));
        watched.waits();
        assert!(!watched.is_due(Stamp(1)));
        watched.has_waited();
        assert!(watched.is_due(Stamp(1)));
    }
}
