use super::*;
use crate::caller::any_valid_token;
use jeton_coherence::BootTime;
use jeton_coherence::lookups::ValidToken;
use jeton_domain::TokenId;
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

fn insert(table: &Table, number: u64, name: &str) {
    table.insert(&digest(number), caller(number, name));
}

fn caller(number: u64, name: &str) -> Caller {
    let token = ValidToken {
        token_id: TokenId(Uuid::from_u128(number.into())),
        username: name.to_owned(),
        ..any_valid_token()
    };
    Caller::new(&digest(number), token, Arc::default(), BootTime::ZERO)
}

fn knows(table: &Table, number: u64) -> bool {
    let found = table.get(&digest(number), BootTime::ZERO);
    if let Some(found) = &found {
        assert_eq!(found.token_id().0.as_u128(), u128::from(number));
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
    fn a_table_may_forget_but_makes_nothing_up(capacity in 0..30_usize, steps in steps()) {
        let table = Table::new(capacity);
        let mut put = HashMap::new();
        for (version, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(number) => {
                    let name = version.to_string();
                    insert(&table, number, &name);
                    put.insert(number, name);
                }
                Step::Get(number) => if let Some(found) = table.get(&digest(number), BootTime::ZERO) {
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
fn a_table_holds_what_it_has_room_for() {
    const CAPACITY: u64 = 100_000;
    let table = Table::new(CAPACITY as usize);
    // A little less, as its parts do not fill alike.
    let most = CAPACITY * 8 / 10;
    for number in 0..most {
        insert(&table, number, "ada");
    }
    let known = (0..most).filter(|number| knows(&table, *number)).count();
    assert_eq!(known, table.len());
    assert_eq!(table.hits(), known as u64);
    let missing = most - known as u64;
    assert!(missing * 1000 <= most, "{missing} of {most} were given up");

    for number in most..3 * CAPACITY {
        insert(&table, number, "ada");
    }
    let len = table.len() as u64;
    assert!((CAPACITY * 98 / 100..=CAPACITY).contains(&len), "{len}");
}

#[test]
fn a_token_that_is_asked_for_again_and_again_stays() {
    let table = Table::new(1000);
    for number in 0..100 {
        insert(&table, number, "ada");
    }
    for number in 100..20_000 {
        insert(&table, number, "ada");
        if number % 50 == 0 {
            (0..100).for_each(|wanted| {
                knows(&table, wanted);
            });
        }
    }
    let known = (0..100).filter(|number| knows(&table, *number)).count();
    assert!(known >= 95, "{known} of 100 are left");
}

/// Whoever checks a token of the same part waits meanwhile.
#[test]
fn an_insert_does_not_look_at_all_tokens() {
    const ROOM: usize = 10_000;
    let mut tokens = Tokens::new(ROOM);
    let mut numbers = 0..;
    let mut insert_next = |tokens: &mut Tokens| {
        let number = numbers.next().unwrap();
        tokens.insert(&digest(number), caller(number, "ada"));
    };
    while tokens.count < ROOM {
        insert_next(&mut tokens);
    }
    let known = tokens.sets.iter().flat_map(|set| &set.tokens).flatten();
    let known: Vec<Caller> = known.cloned().collect();
    known.iter().for_each(Caller::mark_recent);
    insert_next(&mut tokens);
    let looked_at = known.iter().filter(|caller| !caller.take_recent()).count();
    assert!((1..=MOST_LOOKED_AT).contains(&looked_at), "{looked_at}");
    assert!(tokens.count <= ROOM);
}

#[test]
fn every_place_can_be_reached() {
    for capacity in [1, 7, 1000, 4096] {
        let table = Table::new(capacity);
        for number in 0..100 * capacity as u64 {
            insert(&table, number, "ada");
        }
        assert_eq!(
            table.len(),
            table.parts.iter().map(|part| part.read().room).sum::<usize>()
        );
    }
}
