//! The tokens that are remembered, by digest.
//!
//! With a million tokens, what a look-up costs is how often it has to wait for memory. Here that is twice: for a set, which
//! is one line of the processor's cache, and for the token, which lies together with all that a check reads.

use crate::Caller;
use crate::caller::Key;
use jeton_coherence::BootTime;
use jeton_domain::TokenDigest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The most parts, and how many tokens are worth one more.
const MOST_PARTS: usize = 256;
const TOKENS_A_PART: usize = 1024;
/// How many tokens a set can hold.
const WAYS: usize = 7;
/// How many places there are for each token that there may be. When the table is full, a set is half full on average,
/// and it is rare that two beside each other are full.
const PLACES_A_TOKEN: usize = 2;
/// How many places are looked at for a token that nobody asks for, before any is given up: whoever looks has the lock.
const MOST_LOOKED_AT: usize = 256;

/// A bounded table. It is in parts, each with a lock of its own that is held for one look-up or one change, so that few
/// meet at the same one.
pub(crate) struct Table {
    parts: Box<[Part]>,
}

/// Parts do not share lines of the cache; many processors fetch two at a time.
#[repr(align(128))]
struct Part {
    /// How many look-ups have found their token. Beside the lock, which each of them writes anyway.
    hits: AtomicU64,
    tokens: RwLock<Tokens>,
}

struct Tokens {
    sets: Box<[Set]>,
    count: usize,
    /// The most there may be.
    room: usize,
    /// The place where the search for a token to give up goes on, and how far it is from one to the next.
    hand: usize,
    stride: usize,
}

/// Some of the tokens whose digests begin alike.
#[derive(Default)]
#[repr(align(64))]
struct Set {
    /// A byte of each digest: it is rare that a token is looked at that is another one.
    tags: [u8; WAYS],
    tokens: [Option<Caller>; WAYS],
}

impl Table {
    /// For at most so many tokens. The sets are made at once, 18 bytes for each of the tokens; these come as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        let parts = (capacity / TOKENS_A_PART).clamp(1, MOST_PARTS);
        let part = |_| Part {
            hits: AtomicU64::new(0),
            tokens: RwLock::new(Tokens::new(capacity / parts)),
        };
        Self {
            parts: (0..parts).map(part).collect(),
        }
    }

    /// The caller with this token, if it is known and has not expired.
    pub(crate) fn get(&self, digest: &TokenDigest, now: BootTime) -> Option<Caller> {
        let part = self.part(digest);
        let tokens = part.read();
        let (set, way) = tokens.place_of(digest)?;
        let caller = tokens.sets[set].tokens[way].as_ref()?;
        if caller.has_expired(now) {
            return None;
        }
        caller.mark_recent();
        part.hits.fetch_add(1, Ordering::Relaxed);
        Some(caller.clone())
    }

    /// Remembers a token; where there is no room for it, one that has not been asked for lately is given up.
    pub(crate) fn insert(&self, digest: &TokenDigest, caller: Caller) {
        self.part(digest).write().insert(digest, caller);
    }

    pub(crate) fn remove(&self, digest: &TokenDigest) {
        self.part(digest).write().remove(digest);
    }

    pub(crate) fn clear(&self) {
        for part in &self.parts {
            let room = part.read().room;
            let mut tokens = Tokens::new(room);
            // To free thousands of tokens takes its time: not under the lock.
            std::mem::swap(&mut *part.write(), &mut tokens);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.read().count).sum()
    }

    /// How many look-ups have found their token.
    pub(crate) fn hits(&self) -> u64 {
        let hits = self.parts.iter().map(|part| part.hits.load(Ordering::Relaxed));
        hits.sum()
    }

    /// Keeps everybody from changing it.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> Vec<impl Drop + '_> {
        self.parts.iter().map(Part::read).collect()
    }

    fn part(&self, digest: &TokenDigest) -> &Part {
        &self.parts[scaled(Bits::Part.of(digest), self.parts.len())]
    }
}

impl Part {
    // A panic under the lock can only be one of the memory being at its end.
    fn read(&self) -> RwLockReadGuard<'_, Tokens> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tokens> {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens {
    fn new(room: usize) -> Self {
        // The last set is only ever the second one.
        let sets = (room * PLACES_A_TOKEN).div_ceil(WAYS) + 2;
        Self {
            sets: std::iter::repeat_with(Set::default).take(sets).collect(),
            count: 0,
            room,
            hand: 0,
            stride: stride(sets * WAYS),
        }
    }

    /// The sets where a token can be: it is in the second only if the first was full. They lie beside each other.
    fn sets_of(&self, digest: &TokenDigest) -> [usize; 2] {
        let first = scaled(Bits::Set.of(digest), self.sets.len() - 1);
        [first, first + 1]
    }

    fn place_of(&self, digest: &TokenDigest) -> Option<(usize, usize)> {
        let mut sets = self.sets_of(digest).into_iter();
        sets.find_map(|set| Some((set, self.sets[set].way_of(digest)?)))
    }

    fn insert(&mut self, digest: &TokenDigest, caller: Caller) {
        self.remove(digest);
        if self.room == 0 {
            return;
        }
        let mut looked_at = 0;
        while self.count >= self.room {
            self.pass(looked_at >= MOST_LOOKED_AT);
            looked_at += 1;
        }
        let sets = self.sets_of(digest);
        let free_way = |set: usize| Some((set, self.sets[set].free_way()?));
        let free = sets.into_iter().find_map(free_way);
        let (set, way) = free.unwrap_or_else(|| (sets[0], self.sets[sets[0]].way_to_evict()));
        let set = &mut self.sets[set];
        set.tags[way] = tag(digest);
        if set.tokens[way].replace(caller).is_none() {
            self.count += 1;
        }
    }

    fn remove(&mut self, digest: &TokenDigest) {
        if let Some((set, way)) = self.place_of(digest) {
            self.sets[set].tokens[way] = None;
            self.count -= 1;
        }
    }

    /// The clock algorithm (Corbató, "A Paging Experiment with the Multics System", 1968): the hand goes around, gives up
    /// what has not been asked for since it came by last, and lets the others stay for one more turn. It goes in long
    /// strides: step by step, it would leave empty sets behind and have full ones ahead. If it has looked for long enough,
    /// it takes any.
    fn pass(&mut self, takes_any: bool) {
        let token = &mut self.sets[self.hand / WAYS].tokens[self.hand % WAYS];
        let to_go = |token: &Caller| takes_any || !token.take_recent();
        if token.as_ref().is_some_and(to_go) {
            *token = None;
            self.count -= 1;
        }
        self.hand = (self.hand + self.stride) % (self.sets.len() * WAYS);
    }
}

impl Set {
    fn way_of(&self, digest: &TokenDigest) -> Option<usize> {
        let (tag, key) = (tag(digest), Key::of(digest));
        (0..WAYS).find(|&way| {
            self.tags[way] == tag && self.tokens[way].as_ref().is_some_and(|token| token.has(key))
        })
    }

    fn free_way(&self) -> Option<usize> {
        self.tokens.iter().position(Option::is_none)
    }

    /// The first that has not been asked for lately; if all have been, none has been any more, and it is the first.
    fn way_to_evict(&self) -> usize {
        let idle = |token: &Option<Caller>| token.as_ref().is_none_or(|token| !token.take_recent());
        self.tokens.iter().position(idle).unwrap_or(0)
    }
}

/// A digest is as good as random already. Its parts that do not overlap are independent of each other.
enum Bits {
    Set,
    Part,
}

impl Bits {
    fn of(self, digest: &TokenDigest) -> u32 {
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        u32::from_le_bytes(match self {
            Self::Set => [a, b, c, d],
            Self::Part => [e, f, g, h],
        })
    }
}

/// A stride that comes by all of so many places, and at any time has been everywhere about as often: near the golden
/// section, and without a divisor in common with their number.
fn stride(places: usize) -> usize {
    let coprime = |stride: &usize| {
        let (mut a, mut b) = (*stride, places);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (places * 618 / 1000..places).find(coprime).unwrap_or(1)
}

/// Any 32 bits to a number below `end`, each about as often.
fn scaled(bits: u32, end: usize) -> usize {
    ((u64::from(bits) * end as u64) >> 32) as usize
}

fn tag(digest: &TokenDigest) -> u8 {
    digest.as_bytes()[8]
}

#[cfg(test)]
mod tests;
