use super::{World, lock};
use crate::clock::Stamp;
use crate::ledger::{Basis, Violation};
use crate::wire::{Right, TokenNumber};
use std::time::Duration;

/// How many leases a token is still checked for when it is gone: longer than any reply is held back.
const CHECKED_ON: u32 = 5;

/// A revocation that somebody has asked for, or is about to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) act: &'static str,
    right: Right,
    tokens: Vec<TokenNumber>,
    at: Stamp,
    faults: Vec<&'static str>,
    /// What was taken will be given back.
    for_a_while: bool,
}

impl Asked {
    /// Of all that was asked for, what has turned out to be gone for good: only these.
    pub(crate) fn only(self, tokens: Vec<TokenNumber>) -> Self {
        Self {
            tokens,
            for_a_while: false,
            ..self
        }
    }
}

impl World {
    /// To be called before the first request is sent.
    pub(crate) fn ask(&self, act: &'static str, tokens: &[TokenNumber]) -> Asked {
        self.ask_for(act, Right::Use, tokens, false)
    }

    /// The same for what will be given back.
    pub(crate) fn ask_for_a_while(&self, act: &'static str, right: Right, tokens: &[TokenNumber]) -> Asked {
        self.ask_for(act, right, tokens, true)
    }

    fn ask_for(&self, act: &'static str, right: Right, tokens: &[TokenNumber], for_a_while: bool) -> Asked {
        let at = Stamp::now();
        self.event(format_args!("{act} of {tokens:?} is asked for"));
        let mut ledger = self.records.ledger();
        for &token in tokens {
            ledger.ask(token, right, act, at);
            self.fleet.revoking(token);
        }
        Asked {
            act,
            right,
            tokens: tokens.to_vec(),
            at,
            faults: self.faults_now(),
            for_a_while,
        }
    }

    /// The answer "done" has been read completely. `by`: the auth services that had a part in it.
    pub(crate) fn acknowledged(&self, asked: &Asked, by: &[String]) {
        self.acknowledged_at(asked, by, Stamp::now());
    }

    /// The same, a moment ago.
    pub(crate) fn acknowledged_at(&self, asked: &Asked, by: &[String], now: Stamp) {
        self.gone(asked, now, Basis::Acknowledged);
        let mut faults = self.faults_now();
        faults.extend_from_slice(&asked.faults);
        faults.sort_unstable();
        faults.dedup();
        let took = now.since(asked.at);
        self.records.stats().acknowledged(asked.act, took, &faults);
        self.judge_wait(asked, by, now);
    }

    /// The answer to another attempt: there is nothing left to revoke.
    pub(crate) fn found_gone(&self, asked: &Asked, by: &[String]) {
        self.records.stats().found_gone(asked.act);
        self.acknowledged(asked, by);
    }

    /// It has happened and nobody has acknowledged it. Once every lease is over, it must be known all the same.
    pub(crate) fn unconfirmed(&self, asked: &Asked) {
        self.overdue_from(asked, Stamp::now().plus(self.settings.bound()));
    }

    /// The same for what was typed as SQL.
    pub(crate) fn overdue_from(&self, asked: &Asked, at: Stamp) {
        self.gone(asked, at, Basis::Overdue);
    }

    /// The run ends, and there is no acknowledgement yet.
    pub(crate) fn never_acknowledged(&self, asked: &Asked, by: &[String]) {
        self.judge_wait(asked, by, Stamp::now());
    }

    /// To be called before it is asked for.
    pub(crate) fn ask_back(&self, right: Right, tokens: &[TokenNumber]) {
        let now = Stamp::now();
        self.event(format_args!("{tokens:?} are asked back"));
        for &token in tokens {
            self.records.ledger().ask_back(token, right, now);
            self.fleet.back(token, right);
        }
    }

    /// It was answered that they are back.
    pub(crate) fn back(&self, right: Right, tokens: &[TokenNumber]) {
        let now = Stamp::now();
        self.event(format_args!("{tokens:?} are back"));
        for &token in tokens {
            self.records.ledger().back(token, right, now);
        }
    }

    fn gone(&self, asked: &Asked, at: Stamp, basis: Basis) {
        self.event(format_args!(
            "{} of {:?}: gone from {at} ({basis:?})",
            asked.act, asked.tokens
        ));
        for &token in &asked.tokens {
            self.records.ledger().gone(token, asked.right, at, basis);
            self.fleet.gone(token, asked.right, at);
            if !asked.for_a_while {
                let until = at.plus(self.settings.lease * CHECKED_ON);
                lock(&self.retiring).push_back((until, token));
            }
        }
    }

    fn judge_wait(&self, asked: &Asked, by: &[String], until: Stamp) {
        let bound = self.settings.bound();
        let waited = until.since(asked.at);
        // Connections that are on their way are given up after 3 seconds.
        let recovery = self.settings.allowance + Duration::from_secs(3);
        if lock(&self.disturbances).touch(by, asked.at, until, recovery) {
            return;
        }
        self.records.stats().punctual(waited);
        if waited > bound {
            let names = by.join(", ");
            for &token in &asked.tokens {
                let violation = Violation::late(token, asked.act, &names, waited, bound, asked.at);
                self.records.ledger().add(violation);
            }
        }
    }
}
