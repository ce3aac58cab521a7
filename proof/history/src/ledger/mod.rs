//! The history of a run, as far as it is needed to judge it: no clock, no process, no socket.
//!
//! A sighting is judged when it arrives, by all that is known of the token by then; an acknowledgement, by what each
//! process was last seen to accept. So nothing has to be kept but a few stamps for each token and process.

mod life;
#[cfg(test)]
mod tests;
mod violation;
mod waits;

pub(crate) use life::Basis;
pub(crate) use violation::{Verdict, Violation};
pub(crate) use waits::{DisturbanceId, Disturbances, Place};

use crate::clock::Stamp;
use crate::wire::{Check, Checks, Right, Sighting, TokenNumber};
use life::Life;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    tokens: BTreeMap<TokenNumber, TokenHistory>,
    violations: Vec<Violation>,
    /// A token that is accepted once too often is accepted again and again: one line says it.
    told: BTreeSet<(Option<TokenNumber>, Verdict, String)>,
    repeated: u64,
}

#[derive(Debug)]
struct TokenHistory {
    use_: Life,
    write: Life,
    /// Of the checks that a process accepted, the one that began last.
    latest: BTreeMap<(Right, String), Check>,
}

impl TokenHistory {
    fn life(&mut self, right: Right) -> &mut Life {
        match right {
            Right::Use => &mut self.use_,
            Right::Write => &mut self.write,
        }
    }
}

impl Ledger {
    /// Somebody has got this token.
    pub(crate) fn issued(&mut self, token: TokenNumber, at: Stamp) {
        let history = TokenHistory {
            use_: Life::new(at),
            write: Life::new(at),
            latest: BTreeMap::new(),
        };
        self.tokens.insert(token, history);
    }

    /// Its revocation is about to be asked for.
    pub(crate) fn ask(&mut self, token: TokenNumber, right: Right, act: &'static str, at: Stamp) {
        if let Some(history) = self.tokens.get_mut(&token) {
            history.life(right).ask(act, at);
        }
    }

    /// From now on it must not be accepted.
    pub(crate) fn gone(&mut self, token: TokenNumber, right: Right, at: Stamp, basis: Basis) {
        let Some(history) = self.tokens.get_mut(&token) else {
            return;
        };
        history.life(right).gone(at, basis);
        let latest: Vec<_> = history
            .latest
            .iter()
            .filter(|((of, _), _)| *of == right)
            .map(|((_, process), check)| (process.clone(), *check))
            .collect();
        for (process, check) in latest {
            self.judge_accept(token, right, &process, check);
        }
    }

    /// The right is about to be asked back.
    pub(crate) fn ask_back(&mut self, token: TokenNumber, right: Right, at: Stamp) {
        if let Some(history) = self.tokens.get_mut(&token) {
            history.life(right).ask_back(at);
        }
    }

    /// It was answered that the right is back.
    pub(crate) fn back(&mut self, token: TokenNumber, right: Right, at: Stamp) {
        if let Some(history) = self.tokens.get_mut(&token) {
            history.life(right).back(at);
        }
    }

    /// Nobody checks it any more.
    pub(crate) fn forget(&mut self, token: TokenNumber) {
        self.tokens.remove(&token);
    }

    /// A process tells what became of its checks.
    pub(crate) fn saw(&mut self, process: &str, sighting: &Sighting) {
        let token = sighting.token;
        if let Some(accepted) = sighting.accepted {
            self.saw_accepts(token, Right::Use, process, accepted);
        }
        if let Some(accepted) = sighting.with_write {
            self.saw_accepts(token, Right::Write, process, accepted);
        }
        if let Some(refused) = sighting.refused {
            self.saw_refusals(token, process, refused);
        }
    }

    /// Whether this process was seen to accept the token.
    pub(crate) fn has_accepted(&self, token: TokenNumber, process: &str) -> bool {
        self.tokens
            .get(&token)
            .is_some_and(|history| history.latest.contains_key(&(Right::Use, process.to_owned())))
    }

    /// Whether its revocation has been acknowledged.
    pub(crate) fn is_gone(&self, token: TokenNumber) -> bool {
        self.tokens
            .get(&token)
            .is_none_or(|history| history.use_.is_gone())
    }

    pub(crate) fn add(&mut self, violation: Violation) {
        let key = (violation.token, violation.verdict, violation.process.clone());
        if self.told.insert(key) {
            self.violations.push(violation);
        } else {
            self.repeated += 1;
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many more times a process was seen to do what a violation has told of it.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated
    }

    fn saw_accepts(&mut self, token: TokenNumber, right: Right, process: &str, accepts: Checks) {
        let Some(history) = self.tokens.get_mut(&token) else {
            return;
        };
        let last = accepts.last_to_start;
        let latest = history.latest.entry((right, process.to_owned()));
        let latest = latest.or_insert(last);
        if last.start > latest.start {
            *latest = last;
        }
        let judged = self.judge_accept(token, right, process, last);
        if !judged && accepts.first_to_end != last {
            self.judge_accept(token, right, process, accepts.first_to_end);
        }
    }

    /// Says whether it is a violation.
    fn judge_accept(&mut self, token: TokenNumber, right: Right, process: &str, check: Check) -> bool {
        let Some(history) = self.tokens.get_mut(&token) else {
            return false;
        };
        let phase = history.life(right).gone_during(check);
        let violation = phase.map(|phase| Violation::accepted(token, right, process, check, phase));
        let found = violation.is_some();
        violation.into_iter().for_each(|violation| self.add(violation));
        found
    }

    fn saw_refusals(&mut self, token: TokenNumber, process: &str, refusals: Checks) {
        let Some(history) = self.tokens.get(&token) else {
            return;
        };
        let violation = [refusals.first_to_end, refusals.last_to_start]
            .into_iter()
            .find_map(|check| {
                let phase = history.use_.given_during(check)?;
                Some(Violation::refused(token, process, check, phase))
            });
        violation.into_iter().for_each(|violation| self.add(violation));
    }
}
