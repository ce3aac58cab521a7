mod bidi;
mod class;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use std::fmt;

const MIN_CHARS: usize = 3;
const MAX_CHARS: usize = 64;
/// In any spelling: composing may shorten a text, though not by more than this in any language.
const MAX_BYTES: usize = MAX_CHARS * 4 * 4;

/// A name as its user writes it: 3 to 64 characters in normalization form NFKC ([UAX #15]), each a Unicode letter, a mark on
/// one, a digit, or one of `._-@+`.
///
/// The guide is the profile UsernameCaseMapped of [RFC 8265 §3.3], with compatibility forms made one where that refuses
/// them, and less of ASCII. Beyond it, joiners (U+200C, U+200D) may stand where [RFC 5892] has a use for them.
///
/// Two names that differ in case only, or in joiners, are the same name: compare their [`key`](Self::key)s.
///
/// [UAX #15]: https://www.unicode.org/reports/tr15/
/// [RFC 8265 §3.3]: https://www.rfc-editor.org/rfc/rfc8265#section-3.3
/// [RFC 5892]: https://www.rfc-editor.org/rfc/rfc5892#appendix-A
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    text: String,
    key: UsernameKey,
}

/// What makes a [`Username`] unique: its text without joiners and with case folded away (NFKD, Unicode default case folding,
/// NFKC). A key is its own key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsernameKey(String);

/// Why a text is no [`Username`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameRefused {
    /// Fewer than 3 or more than 64 characters, counted after normalization.
    #[error("must be {MIN_CHARS} to {MAX_CHARS} characters long")]
    Length,
    /// A character that no name has, or none in that place.
    #[error("may contain letters with their marks, digits and . _ - @ + only")]
    Character,
    /// Something written from right to left, against the Bidi Rule ([RFC 5893 §2]).
    ///
    /// [RFC 5893 §2]: https://www.rfc-editor.org/rfc/rfc5893#section-2
    #[error(
        "with letters written from right to left must begin with one, end with one or a digit, and have no others"
    )]
    Direction,
}

impl Username {
    /// Reads a name that somebody is to have, normalizing it.
    ///
    /// # Errors
    /// [`UsernameRefused`], with a sentence that can follow the word "username".
    pub fn parse(text: &str) -> Result<Self, UsernameRefused> {
        // Longer input is not worth normalizing.
        if text.len() > MAX_BYTES {
            return Err(UsernameRefused::Length);
        }
        let text = ComposingNormalizer::new_nfkc().normalize(text).into_owned();
        let chars: Vec<char> = text.chars().collect();
        if !(MIN_CHARS..=MAX_CHARS).contains(&chars.len()) {
            return Err(UsernameRefused::Length);
        }
        if !chars.iter().all(|&c| class::is_possible(c)) || !class::are_in_place(&chars) {
            return Err(UsernameRefused::Character);
        }
        if !bidi::keeps_one_direction(&chars) {
            return Err(UsernameRefused::Direction);
        }
        let key = UsernameKey::of_prefix(&text);
        Ok(Self { text, key })
    }

    /// Whether a stored name is found under its stored key by who types it as it is shown. It is not where something else
    /// than [`parse`](Self::parse) made the key, as SQL's `lower`, which is not case folding.
    #[must_use]
    pub fn is_reachable(name: &str, key: &str) -> bool {
        UsernameKey::of_typed(name).is_some_and(|typed| typed.as_str() == key)
    }

    /// The name as its user writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the name is compared and looked up by.
    #[must_use]
    pub fn key(&self) -> &UsernameKey {
        &self.key
    }
}

impl UsernameKey {
    /// The key of the name that somebody types for one that is there already: in any spelling, which may be longer than a
    /// name may be, or one that nobody could be given any more. `None`: nobody's name is spelled so.
    #[must_use]
    pub fn of_typed(text: &str) -> Option<Self> {
        let key = (text.len() <= MAX_BYTES).then(|| Self::of_prefix(text))?;
        let is_possible = !key.0.is_empty() && key.0.chars().all(class::is_possible);
        is_possible.then_some(key)
    }

    /// What the keys of all names begin with that begin with this text, in whatever case, unless a mark follows that belongs
    /// to the last letter.
    #[must_use]
    pub fn of_prefix(text: &str) -> Self {
        let text = text.replace(class::JOINERS, "");
        // In parts before case is folded: U+0345 becomes a letter, and comes after all other marks (The Unicode Standard, D145).
        let parts = DecomposingNormalizer::new_nfkd().normalize(&text);
        let folded = CaseMapper::new().fold_string(&parts);
        Self(ComposingNormalizer::new_nfkc().normalize(&folded).into_owned())
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
