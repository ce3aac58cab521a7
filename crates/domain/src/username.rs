use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use std::fmt;

const MIN_CHARS: usize = 3;
const MAX_CHARS: usize = 64;

/// A name as its user writes it: 3 to 64 characters, each a Unicode letter or digit or one of `._-@+`, in
/// normalization form NFKC ([UAX #15]).
///
/// Two names that differ in case only are the same name: compare their [`key`](Self::key)s.
///
/// [UAX #15]: https://www.unicode.org/reports/tr15/
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    text: String,
    key: UsernameKey,
}

/// What makes a [`Username`] unique: its text with case folded away (Unicode default case folding, then NFKC).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsernameKey(String);

/// Why a text is no [`Username`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameRefused {
    /// Fewer than 3 or more than 64 characters, counted after normalization.
    #[error("must be {MIN_CHARS} to {MAX_CHARS} characters long")]
    Length,
    /// A character that is no letter, digit or one of `._-@+`, or that cannot be seen.
    #[error("may contain letters, digits and . _ - @ + only")]
    Character,
}

impl Username {
    /// Reads a name, normalizing it.
    ///
    /// # Errors
    /// [`UsernameRefused`], with a sentence that can follow the word "username".
    pub fn parse(text: &str) -> Result<Self, UsernameRefused> {
        // Composing may shorten a text, though not by more than this in any language: longer input is not worth
        // normalizing.
        if text.len() > MAX_CHARS * 4 * 4 {
            return Err(UsernameRefused::Length);
        }
        let nfkc = ComposingNormalizer::new_nfkc();
        let text = nfkc.normalize(text).into_owned();
        if !(MIN_CHARS..=MAX_CHARS).contains(&text.chars().count()) {
            return Err(UsernameRefused::Length);
        }
        if !text.chars().all(is_allowed) {
            return Err(UsernameRefused::Character);
        }
        let key = UsernameKey::of_prefix(&text);
        Ok(Self { text, key })
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
    /// What the keys of all names begin with that begin with this text, in whatever case.
    #[must_use]
    pub fn of_prefix(text: &str) -> Self {
        let nfkc = ComposingNormalizer::new_nfkc();
        let folded = CaseMapper::new().fold_string(&nfkc.normalize(text)).into_owned();
        Self(nfkc.normalize(&folded).into_owned())
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

fn is_allowed(c: char) -> bool {
    // The Hangul fillers are letters by their general category and nothing at all on the screen.
    const INVISIBLE: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
    (is_letter_or_digit(c) && !INVISIBLE.contains(&c)) || "._-@+".contains(c)
}

/// By general category, since `char::is_alphanumeric` takes some combining marks for letters.
fn is_letter_or_digit(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Letter.contains(category) || category == GeneralCategory::DecimalNumber
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        Username::parse(text).unwrap().key().as_str().to_owned()
    }

    #[test]
    fn keeps_the_case_it_was_given_and_compares_without() {
        assert_eq!(
            Username::parse("Ada.L+x@Example_1-2").unwrap().as_str(),
            "Ada.L+x@Example_1-2"
        );
        assert_eq!(key("ADA"), key("ada"));
        assert_eq!(key("STRASSE"), key("straße"));
        assert_eq!(key("ΟΔΟΣ"), key("οδος"));
        // By default, Unicode folds the dotless ı to itself, and I to i.
        assert_ne!(key("ıda"), key("IDA"));
    }

    #[test]
    fn compatibility_forms_are_one_name() {
        assert_eq!(key("ａｄａ"), key("ada"));
        assert_eq!(key("ﬁona"), key("fiona"));
        assert_eq!(key("e\u{301}va"), key("éva"));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(Username::parse("ab"), Err(UsernameRefused::Length));
        assert!(Username::parse("äöü").is_ok());
        assert!(Username::parse(&"语".repeat(64)).is_ok());
        assert_eq!(Username::parse(&"x".repeat(65)), Err(UsernameRefused::Length));
        assert_eq!(
            Username::parse(&"x".repeat(1 << 20)),
            Err(UsernameRefused::Length)
        );
    }

    #[test]
    fn refuses_what_cannot_be_seen_or_typed() {
        for bad in [
            "a b",
            "ada\n",
            "ada\0",
            "ad\u{200b}a",
            "ad\u{202e}a",
            "\u{3164}\u{3164}\u{3164}",
            "a/b",
            "\u{345}\u{345}\u{345}",
            "ad\u{345}a",
            "a:b",
            "<ada>",
        ] {
            assert_eq!(Username::parse(bad), Err(UsernameRefused::Character), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in "\\PC{0,80}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(&Username::parse(name.as_str()).unwrap(), &name);
            }
        }

        #[test]
        fn a_key_begins_as_its_name_does(text in "[a-zA-Z0-9._@+-]{3,20}", chars in 0_usize..20) {
            let name = Username::parse(&text).unwrap();
            let prefix: String = text.chars().take(chars).collect();
            prop_assert!(name.key().as_str().starts_with(UsernameKey::of_prefix(&prefix).as_str()));
        }

        #[test]
        fn any_case_of_a_name_has_its_key(text in "[\\p{L}\\p{N}._@+-]{3,20}") {
            // Its capital is not its own.
            let text = text.replace('ı', "i");
            let Ok(name) = Username::parse(&text) else { return Ok(()) };
            for other in [text.to_lowercase(), text.to_uppercase()] {
                // Changing case may make it longer than is allowed, or bring in a combining mark.
                if let Ok(other) = Username::parse(&other) {
                    prop_assert_eq!(other.key(), name.key());
                }
            }
        }
    }
}
