use crate::printable::is_unprintable;
use crate::text::text_type;

text_type! {
    /// What the user calls a token ("Pixel 9", "nightly backup"): 1 to 100 characters, none of them a control character.
    TokenName,

    /// The text is no name for a token.
    #[error("must be 1 to 100 characters, none that controls how others are shown, and not white space alone")]
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

fn name(text: &str) -> Option<&str> {
    let name = text.trim();
    let fits = !name.is_empty() && text.chars().count() <= 100 && !name.chars().any(is_unprintable);
    fits.then_some(name)
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

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in any::<String>()) {
            if let Ok(name) = TokenName::parse(&text) {
                prop_assert_eq!(&TokenName::parse(name.as_str()).unwrap(), &name);
            }
        }
    }
}
