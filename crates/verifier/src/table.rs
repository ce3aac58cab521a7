//! The tokens that are remembered, by digest.
//!
//! With a million tokens, what a look-up costs is how often it has to wait for memory. Here that is twice: for a set, which
//! is one line of the processor's cache, and for the token, which lies together with all that a check reads.

use crate::Caller;
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

    pub(crate) fn get(&self, digest: &TokenDigest) -> Option<Caller> {
        let part = self.part(digest);
        let tokens = part.read();
        let (set, way) = tokens.place_of(digest)?;
        let caller = tokens.sets[set].tokens[way].as_ref()?;
        caller.mark_recent();
        part.hits.fetch_add(1, Ordering::Relaxed);
        Some(caller.clone())
    }

    /// Remembers a token; where there is no room for it, one that has not been asked for lately is given up.
    pub(crate) fn insert(&self, caller: Caller) {
        self.part(caller.digest()).write().insert(caller);
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

    fn insert(&mut self, caller: Caller) {
        self.remove(caller.digest());
        if self.room == 0 {
            return;
        }
        while self.count >= self.room {
            self.pass();
        }
        let sets = self.sets_of(caller.digest());
        let free_way = |set: usize| Some((set, self.sets[set].free_way()?));
        let free = sets.into_iter().find_map(free_way);
        let (set, way) = free.unwrap_or_else(|| (sets[0], self.sets[sets[0]].way_to_give_up()));
        let set = &mut self.sets[set];
        set.tags[way] = tag(caller.digest());
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
    /// strides: step by step, it would leave empty sets behind and have full ones ahead.
    fn pass(&mut self) {
        let token = &mut self.sets[self.hand / WAYS].tokens[self.hand % WAYS];
        if token.as_ref().is_some_and(|token| !token.take_recent()) {
            *token = None;
            self.count -= 1;
        }
        self.hand = (self.hand + self.stride) % (self.sets.len() * WAYS);
    }
}

impl Set {
    fn way_of(&self, digest: &TokenDigest) -> Option<usize> {
        let tag = tag(digest);
        (0..WAYS).find(|&way| {
            self.tags[way] == tag
                && self.tokens[way]
                    .as_ref()
                    .is_some_and(|token| token.digest() == digest)
        })
    }

    fn free_way(&self) -> Option<usize> {
        self.tokens.iter().position(Option::is_none)
    }

    /// The first that has not been asked for lately; if all have been, none has been any more, and it is the first.
    fn way_to_give_up(&self) -> usize {
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
mod tests {
    use super::*;
    use jeton_domain::{ScopeSet, TokenId, TokenKind, UserId};
    use jeton_persistence::BootTime;
    use jeton_persistence::lookups::ValidToken;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::sync::Arc;
    use uuid::Uuid;

    fn digest(number: u64) -> TokenDigest {
        // As random as a real one, as good as never the same for two numbers.
        let mut state = number;
        let words: [u64; 4] = std::array::from_fn(|_| {
            // SplitMix64 (Steele, Lea and Flood 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        TokenDigest::from(<[u8; 32]>::try_from(bytes).unwrap())
    }

    fn caller(number: u64, name: &str) -> Caller {
        let token = ValidToken {
            token_id: TokenId(Uuid::nil()),
            kind: TokenKind::Login,
            user_id: UserId(Uuid::nil()),
            username: name.to_owned(),
            scopes: ScopeSet::default(),
            remaining: None,
        };
        Caller::new(digest(number), token, Arc::default(), BootTime::ZERO)
    }

    fn knows(table: &Table, number: u64) -> bool {
        let found = table.get(&digest(number));
        if let Some(found) = &found {
            assert_eq!(found.digest(), &digest(number));
        }
        found.is_some()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u64),
        Get(u64),
        Remove(u64),
        Clear,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0..40_u64).prop_map(Step::Insert),
            8 => (0..40_u64).prop_map(Step::Get),
            4 => (0..40_u64).prop_map(Step::Remove),
            1 => Just(Step::Clear),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// Whatever happens: what is found is what was put there last, nothing that was removed is found, and the
        /// count is right.
        #[test]
        fn it_may_forget_but_makes_nothing_up(capacity in 0..30_usize, steps in steps()) {
            let table = Table::new(capacity);
            let mut put = HashMap::new();
            for (version, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(number) => {
                        let name = version.to_string();
                        table.insert(caller(number, &name));
                        put.insert(number, name);
                    }
                    Step::Get(number) => if let Some(found) = table.get(&digest(number)) {
                        prop_assert_eq!(Some(found.username()), put.get(&number).map(String::as_str));
                    }
                    Step::Remove(number) => {
                        table.remove(&digest(number));
                        put.remove(&number);
                    }
                    Step::Clear => {
                        table.clear();
                        put.clear();
                    }
                }
                prop_assert!(table.len() <= capacity.min(put.len()));
            }
            let found = (0..40).filter(|number| knows(&table, *number)).count();
            prop_assert_eq!(found, table.len());
        }
    }

    #[test]
    fn it_holds_what_it_has_room_for() {
        const CAPACITY: u64 = 100_000;
        let table = Table::new(CAPACITY as usize);
        // A little less, as its parts do not fill alike.
        let most = CAPACITY * 8 / 10;
        for number in 0..most {
            table.insert(caller(number, "ada"));
        }
        let known = (0..most).filter(|number| knows(&table, *number)).count();
        assert_eq!(known, table.len());
        assert_eq!(table.hits(), known as u64);
        let missing = most - known as u64;
        assert!(missing * 1000 <= most, "{missing} of {most} were given up");

        for number in most..3 * CAPACITY {
            table.insert(caller(number, "ada"));
        }
        let len = table.len() as u64;
        assert!((CAPACITY * 98 / 100..=CAPACITY).contains(&len), "{len}");
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays() {
        let table = Table::new(1000);
        for number in 0..100 {
            table.insert(caller(number, "ada"));
        }
        for number in 100..20_000 {
            table.insert(caller(number, "ada"));
            if number % 50 == 0 {
                (0..100).for_each(|wanted| {
                    knows(&table, wanted);
                });
            }
        }
        let known = (0..100).filter(|number| knows(&table, *number)).count();
        assert!(known >= 95, "{known} of 100 are left");
    }

    #[test]
    fn every_place_can_be_reached() {
        for capacity in [1, 7, 1000, 4096] {
            let table = Table::new(capacity);
            for number in 0..100 * capacity as u64 {
                table.insert(caller(number, "ada"));
            }
            assert_eq!(
                table.len(),
                table.parts.iter().map(|part| part.read().room).sum::<usize>()
            );
        }
    }
}
