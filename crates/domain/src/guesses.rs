//! Whether a password is guessed too soon, by zxcvbn, in a time that has a bound.
//!
//! zxcvbn looks at a hundred characters at the most, and tries the dictionaries once for each way to read the signs that
//! stand for letters: `4@8({[<3691!|0$5+7%2` can be read in more than a thousand, and a hundred characters with all of
//! them took more than a second.

use zxcvbn::{Entropy, Score, zxcvbn};

/// zxcvbn looks at no more characters.
const LOOKED_AT: usize = 100;

/// The most that is looked at as a whole: ways to read it, times parts of it. So many ways for the longest that zxcvbn
/// looks at: a tenth of a second; no text of 20 characters has as many.
const MOST_WORK: usize = 64 * parts(LOOKED_AT);

/// What is more work is looked at in pieces of so many characters.
const PIECE: usize = 16;

/// What is found within so many guesses is found too soon.
const TOO_SOON: u64 = 1_000_000;

/// What zxcvbn reckons with for each match beyond the first.
const FURTHER_MATCH: u64 = 10_000;

/// The signs that stand for a letter, letter by letter: a, b, c, e, g, i, l, o, s, t, x, z. And those of them that stood for
/// another letter before it, and may be read as either.
const SIGNS: [(&str, &str); 12] = [
    ("4@", ""),
    ("8", ""),
    ("({[<", ""),
    ("3", ""),
    ("69", ""),
    ("1!|", ""),
    ("1|7", "1|"),
    ("0", ""),
    ("$5", ""),
    ("+7", "7"),
    ("%", ""),
    ("2", ""),
];

/// What the estimate says of a password that is guessed too soon; `None` for one that is not.
pub(crate) fn guessed_too_soon(password: &str, known: &[&str]) -> Option<Entropy> {
    let looked_at: Vec<char> = password.chars().take(LOOKED_AT).collect();
    if readings(&looked_at).saturating_mul(parts(looked_at.len())) <= MOST_WORK {
        let estimate = zxcvbn(password, known);
        return (estimate.score() < Score::Two).then_some(estimate);
    }
    let pieces = looked_at.chunks(PIECE);
    let estimates = pieces.map(|piece| zxcvbn(&String::from_iter(piece), known));
    // The matches of the pieces, one after the other, are one way to guess the whole: no better than the best, which the
    // estimate of the whole would be. So nothing is refused that this would let through. By zxcvbn's rule (§4 of the
    // paper): the guesses of each, times the orders they can stand in, and ten thousand for each match beyond the first.
    let (mut matches, mut guesses, mut first) = (0_u32, 1_u64, None);
    for estimate in estimates {
        let more = estimate.sequence().len();
        matches = matches.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        guesses = guesses.saturating_mul(estimate.guesses());
        first.get_or_insert(estimate);
        let orders = (1..=u64::from(matches)).fold(1, u64::saturating_mul);
        let further = FURTHER_MATCH.saturating_pow(matches.saturating_sub(1));
        if orders.saturating_mul(guesses).saturating_add(further) > TOO_SOON {
            return None;
        }
    }
    first
}

/// How many parts a text of so many characters has, each of which is looked up.
const fn parts(length: usize) -> usize {
    length * (length + 1) / 2
}

/// How many ways there are to read the signs in it, at the most: with one sign for each letter.
fn readings(text: &[char]) -> usize {
    let found = |signs: &str| signs.chars().filter(|sign| text.contains(sign)).count();
    let of_letter = |(signs, shared): &(&str, &str)| (found(signs) + found(shared)).max(1);
    SIGNS.iter().map(of_letter).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All signs, in no order that is on a keyboard.
    const ALL: &str = "4(8[3|61{!$0<5@+7%29";

    fn work(text: &str) -> usize {
        let text: Vec<char> = text.chars().take(LOOKED_AT).collect();
        readings(&text) * parts(text.len())
    }

    #[test]
    fn what_can_be_read_in_many_ways_is_looked_at_in_pieces_and_what_people_choose_is_not() {
        for whole in [
            "p4$$w0rd",
            "c0rr3ct h0rs3 b4tt3ry st4pl3",
            "1234567890!@#$%^&*()_+",
            "ada.lovelace@analytical.example",
            &"long and winding ".repeat(60),
            &"12345678901234567890".repeat(5),
        ] {
            assert!(work(whole) <= MOST_WORK, "{whole}: {}", work(whole));
        }
        for pieces in [ALL.repeat(5), ALL.repeat(50), format!("{ALL}{}", "a".repeat(80))] {
            assert!(work(&pieces) > MOST_WORK, "{pieces}: {}", work(&pieces));
        }
    }

    /// Every piece is less work than the most that is looked at as a whole, whatever stands in it.
    /// A long walk back and forth on a keyboard has more ways to be walked than a `u64` has numbers.
    #[test]
    fn a_long_walk_is_estimated_and_not_a_panic() {
        for step in ["$5", "qw", "^6"] {
            for length in [40, 60, 100, 1000] {
                let walk: String = step.chars().cycle().take(length).collect();
                drop(guessed_too_soon(&walk, &[]));
            }
        }
        let zigzag = "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/".repeat(3);
        drop(guessed_too_soon(&zigzag, &[]));
    }

    #[test]
    fn a_piece_is_a_bounded_part_of_the_work() {
        let all: Vec<char> = ALL.chars().collect();
        assert!(readings(&all) * parts(PIECE) <= MOST_WORK);
    }

    #[test]
    fn what_is_looked_at_in_pieces_is_refused_only_where_the_whole_would_be() {
        for text in [
            ALL.repeat(5),
            format!("{}{ALL}{}", "a".repeat(13), "password".repeat(9)),
            format!("{ALL}{}", "1234567890".repeat(8)),
            ALL.chars().flat_map(|sign| [sign; 5]).collect(),
        ] {
            assert!(work(&text) > MOST_WORK, "{text}");
            let whole = zxcvbn(&text, &[]).score() < Score::Two;
            let pieces = guessed_too_soon(&text, &[]).is_some();
            assert!(whole || !pieces, "{text}");
        }
    }
}
