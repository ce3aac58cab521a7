//! What a verifier remembers, and whether it may answer from it.
//!
//! The whole of the promise that no revoked token is accepted rests on the order of a few steps here, in `lease.rs`
//! and in `lookups.rs`; docs/decisions/revocation.md says why each is where it is, and proof/model checks
//! them.

use crate::Caller;
use crate::table::Table;
use jeton_coherence::revocations::Revoked;
use jeton_coherence::{BootTime, Granted};
use jeton_domain::TokenDigest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

pub(crate) struct Memory {
    /// Until when answers may come from here: a [`BootTime`], zero for not at all.
    deadline: AtomicU64,
    /// Checks that are answered from memory never touch this lock.
    generation: RwLock<Generation>,
    tokens: Table,
}

#[derive(Default)]
struct Generation {
    /// Counts the times that something was forgotten as a renewal has told. A fill that began before the last one is not kept.
    number: u64,
    /// Whether something was forgotten that a renewal is to say has been: until that is answered, no fill is kept.
    closed: bool,
}

/// When a look-up began, for [`Memory::fill`].
#[derive(Clone, Copy)]
pub(crate) struct Beginning(u64);

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            deadline: AtomicU64::new(0),
            generation: RwLock::default(),
            tokens: Table::new(capacity),
        }
    }

    /// The caller with this token, if that is known and may be answered now. The memory is not touched where that `may` not be: a
    /// process that has inherited it has none of the threads that hold its locks.
    pub(crate) fn get(
        &self,
        digest: &TokenDigest,
        may: impl FnOnce(BootTime) -> bool,
    ) -> Option<(Caller, BootTime)> {
        // In this order, and all of it after the request has come: what is looked up before the deadline is read could
        // be a token that is revoked, and forgotten, before a new deadline is published.
        let deadline = self.deadline();
        let now = BootTime::now();
        if now >= deadline || !may(now) {
            return None;
        }
        Some((self.tokens.get(digest, now)?, now))
    }

    pub(crate) fn deadline(&self) -> BootTime {
        BootTime::from_nanos(self.deadline.load(Ordering::Acquire))
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// How many tokens were found here.
    pub(crate) fn hits(&self) -> u64 {
        self.tokens.hits()
    }

    /// To be called before a look-up's query is sent.
    pub(crate) fn begin(&self) -> Beginning {
        let generation = self.generation.read().unwrap_or_else(PoisonError::into_inner);
        Beginning(generation.number)
    }

    /// Keeps what a look-up has found, unless it may be out of date by now: something was forgotten since the query was
    /// sent, or is being forgotten, or nobody waits for this verifier any more.
    pub(crate) fn fill(
        &self,
        Beginning(then): Beginning,
        found: impl Iterator<Item = (TokenDigest, Caller)>,
    ) {
        let generation = self.generation.read().unwrap_or_else(PoisonError::into_inner);
        let out_of_date =
            generation.number != then || generation.closed || BootTime::now() >= self.deadline();
        #[cfg(feature = "negative-controls")]
        let out_of_date = out_of_date && !crate::negative_controls::fill_rule_is_left_out();
        if out_of_date {
            return;
        }
        for (digest, caller) in found {
            self.tokens.insert(&digest, caller);
        }
    }

    /// Forgets what is said to have been revoked, before that is known, and keeps nothing until the next renewal: so that one
    /// can say that these are not remembered, whatever the server has done by the time that it hears it.
    pub(crate) fn drop_tokens(&self, digests: &[TokenDigest]) {
        if digests.is_empty() {
            return;
        }
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        generation.closed = true;
        for digest in digests {
            self.tokens.remove(digest);
        }
    }

    /// Forgets what was revoked. Only then can the deadline be published that comes of having asked: before, what is still
    /// remembered would be answered by a renewal that knew better.
    pub(crate) fn renew(&self, revoked: &Revoked, deadline: BootTime) -> Renewed<'_> {
        self.forget(revoked);
        Renewed {
            memory: self,
            deadline,
        }
    }

    fn forget(&self, revoked: &Revoked) {
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        generation.number += 1;
        generation.closed = false;
        match revoked {
            Revoked::These(digests) => {
                for digest in digests {
                    self.tokens.remove(digest);
                }
            }
            Revoked::Everything => self.tokens.clear(),
        }
    }

    /// Answers may come from here until then.
    fn allow_until(&self, deadline: BootTime) {
        self.deadline.store(deadline.as_nanos(), Ordering::Release);
    }

    /// Keeps everybody from forgetting anything.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.tokens.hold()
    }

    /// Whether somebody has begun to forget, and not ended.
    #[cfg(test)]
    pub(crate) fn is_forgetting(&self) -> bool {
        matches!(
            self.generation.try_read(),
            Err(std::sync::TryLockError::WouldBlock)
        )
    }

    /// Answers nothing from here any more, and forgets everything.
    pub(crate) fn shut(&self) {
        self.allow_until(BootTime::ZERO);
        self.forget(&Revoked::Everything);
    }
}

impl Granted for Memory {
    fn end(&self) {
        self.allow_until(BootTime::ZERO);
    }
}

/// What was revoked is forgotten, and the deadline is still to be published.
#[must_use]
pub(crate) struct Renewed<'a> {
    memory: &'a Memory,
    deadline: BootTime,
}

impl Renewed<'_> {
    pub(crate) fn publish(self) {
        self.memory.allow_until(self.deadline);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "helpers of tests")]

    use super::*;
    use crate::caller::any_valid_token;
    use jeton_coherence::lookups::ValidToken;
    use std::sync::Arc;
    use std::time::Duration;

    const DIGEST: [u8; 32] = [7; 32];

    fn caller() -> (TokenDigest, Caller) {
        caller_for(None)
    }

    fn caller_for(remaining: Option<Duration>) -> (TokenDigest, Caller) {
        let token = ValidToken {
            remaining,
            ..any_valid_token()
        };
        let digest = TokenDigest::from(DIGEST);
        (
            digest,
            Caller::new(&digest, token, Arc::default(), BootTime::now()),
        )
    }

    /// With a lease that does not end, and one token.
    fn memory() -> Memory {
        let memory = Memory::new(10);
        memory.allow_until(BootTime::NEVER);
        memory.fill(memory.begin(), std::iter::once(caller()));
        assert!(knows(&memory));
        memory
    }

    fn knows(memory: &Memory) -> bool {
        memory.get(&TokenDigest::from(DIGEST), |_| true).is_some()
    }

    fn nothing() -> Revoked {
        Revoked::These(Vec::new())
    }

    /// Whoever looks the token up first and then reads the deadline has looked it up here.
    #[test]
    fn memory_without_a_lease_is_not_looked_into() {
        let memory = memory();
        let hits = memory.hits();
        for deadline in [BootTime::ZERO, BootTime::now()] {
            memory.allow_until(deadline);
            assert!(!knows(&memory));
        }
        assert_eq!((memory.hits(), memory.len()), (hits, 1));
        memory.allow_until(BootTime::NEVER);
        assert!(knows(&memory));
        assert_eq!(memory.hits(), hits + 1);
    }

    #[test]
    fn expired_tokens_are_not_found_nor_counted() {
        let memory = memory();
        let hits = memory.hits();
        memory.fill(memory.begin(), std::iter::once(caller_for(Some(Duration::ZERO))));
        assert!(!knows(&memory));
        assert_eq!((memory.hits(), memory.len()), (hits, 1));
    }

    /// The renewal may know of a revocation that the query was too early for, even if it is of no token that is known.
    #[test]
    fn nothing_is_kept_of_a_query_that_a_renewal_has_overtaken() {
        let memory = Memory::new(10);
        memory.allow_until(BootTime::NEVER);
        let other = Revoked::These(vec![TokenDigest::from([8; 32])]);
        for revoked in [nothing(), other, Revoked::Everything] {
            let before = memory.begin();
            memory.renew(&revoked, BootTime::NEVER).publish();
            memory.fill(before, std::iter::once(caller()));
            assert!(!knows(&memory), "{revoked:?}");
        }
        memory.fill(memory.begin(), std::iter::once(caller()));
        assert!(knows(&memory));
    }

    /// A renewal says of it that it is not remembered, and nobody knows when the server hears that.
    #[test]
    fn what_is_dropped_does_not_come_back_before_the_renewal_is_answered() {
        let memory = memory();
        let before = memory.begin();
        memory.drop_tokens(&[]);
        assert!(knows(&memory));
        memory.drop_tokens(&[TokenDigest::from(DIGEST)]);
        assert!(!knows(&memory));
        let meanwhile = memory.begin();
        for beginning in [before, meanwhile] {
            memory.fill(beginning, std::iter::once(caller()));
            assert!(!knows(&memory), "the renewal is under way");
        }
        memory.renew(&nothing(), BootTime::NEVER).publish();
        for beginning in [before, meanwhile] {
            memory.fill(beginning, std::iter::once(caller()));
            assert!(!knows(&memory), "asked before it was answered");
        }
        memory.fill(memory.begin(), std::iter::once(caller()));
        assert!(knows(&memory));
        // A life that ends has no renewal to wait for.
        memory.drop_tokens(&[TokenDigest::from(DIGEST)]);
        memory.shut();
        memory.allow_until(BootTime::NEVER);
        memory.fill(memory.begin(), std::iter::once(caller()));
        assert!(knows(&memory));
    }

    #[test]
    fn nothing_is_kept_without_a_lease() {
        let memory = Memory::new(10);
        for deadline in [BootTime::ZERO, BootTime::now()] {
            memory.allow_until(deadline);
            memory.fill(memory.begin(), std::iter::once(caller()));
            assert_eq!(memory.len(), 0);
        }
    }

    #[test]
    fn the_deadline_is_published_after_all_is_forgotten() {
        let memory = memory();
        let (before, after) = (BootTime::from_nanos(1), BootTime::NEVER);
        for revoked in [
            Revoked::These(vec![TokenDigest::from(DIGEST)]),
            Revoked::Everything,
        ] {
            memory.allow_until(before);
            std::thread::scope(|scope| {
                let held = memory.hold();
                scope.spawn(|| memory.renew(&revoked, after).publish());
                // It has begun, and cannot end.
                while !memory.is_forgetting() {
                    std::thread::yield_now();
                }
                assert_eq!(memory.deadline(), before, "{revoked:?}");
                drop(held);
            });
            assert_eq!((memory.deadline(), memory.len()), (after, 0));
            memory.fill(memory.begin(), std::iter::once(caller()));
        }
    }
}
