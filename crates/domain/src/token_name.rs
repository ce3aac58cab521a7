/// What the user calls a token ("Pixel 9", "nightly backup"): 1 to 100 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

/// The text is no name for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 100 characters, and not white space alone")]
pub struct InvalidTokenName;

impl TokenName {
    /// What a token from signing in is called when nobody gave it a name.
    #[must_use]
    pub fn login() -> Self {
        Self("login".to_owned())
    }

    /// Reads a name; white space around it counts and is dropped.
    ///
    /// # Errors
    /// [`InvalidTokenName`]
    pub fn parse(text: &str) -> Result<Self, InvalidTokenName> {
        let name = text.trim();
        if !name.is_empty() && text.chars().count() <= 100 && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidTokenName)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trims_and_bounds() {
        assert_eq!(TokenName::parse("  Pixel 9 ").unwrap().as_str(), "Pixel 9");
        let padded = format!("x{:100}", "");
        for bad in ["", " \t ", "two\nlines", "nul\0", &"x".repeat(101), &padded] {
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
