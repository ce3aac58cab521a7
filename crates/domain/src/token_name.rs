use crate::printable::is_unprintable;
use crate::text::text_type;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// A cell of six dots, none of which is raised.
const BRAILLE_BLANK: char = '\u{2800}';

text_type! {
    /// What the user calls a token ("Pixel 9", "nightly backup"): 1 to 100 characters, none of them a control character, and
    /// one at least that can be seen by itself.
    TokenName,

    /// The text is no name for a token.
    #[error("must be 1 to 100 characters, one at least that can be seen by itself, and none that controls how others are shown")]
    InvalidTokenName,

    /// Reads a name; white space around it counts and is dropped.
    name
}

impl TokenName {
    /// What a token from signing in is called when nobody gave it a name.
    #[must_use]
    pub fn login() -> Self {
        Self("login".to_owned())
    }
}

pub(crate) fn name(text: &str) -> Option<&str> {
    let name = text.trim();
    let fits = text.chars().count() <= 100 && name.chars().any(is_seen) && !name.chars().any(is_unprintable);
    fits.then_some(name)
}

/// Whether the character shows something by itself: no space, no mark on what is before it, no joiner, no filler.
fn is_seen(c: char) -> bool {
    let is_mark = GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c));
    !is_mark
        && !c.is_whitespace()
        && c != BRAILLE_BLANK
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trims_and_bounds() {
        assert_eq!(TokenName::parse("  Pixel 9 ").unwrap().as_str(), "Pixel 9");
        let padded = format!("x{:100}", "");
        for bad in [
            "",
            " \t ",
            "two\nlines",
            "nul\0",
            "a\u{202e}b",
            "a\u{200f}",
            &"x".repeat(101),
            &padded,
        ] {
            assert_eq!(TokenName::parse(bad), Err(InvalidTokenName), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_something_to_be_seen() {
        for good in [
            "é",
            "e\u{301}",
            "सीता",
            "📱",
            "👩\u{200d}🔬",
            "❤\u{fe0f}",
            "-",
            "\u{e000}",
        ] {
            assert!(TokenName::parse(good).is_ok(), "{good:?}");
        }
        for bad in [
            "\u{301}\u{301}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{34f}",
            "\u{115f}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{3000}",
            "\u{20dd}",
        ] {
            assert_eq!(TokenName::parse(bad), Err(InvalidTokenName), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in any::<String>()) {
            if let Ok(name) = TokenName::parse(&text) {
                prop_assert_eq!(&TokenName::parse(name.as_str()).unwrap(), &name);
            }
        }
    }
}
