use crate::Takes;
use jeton_domain::InvalidLifetime;
use std::str::FromStr;

/// Reads a setting that is a [`Lifetime`](jeton_domain::Lifetime) of one kind or another.
///
/// # Errors
/// What it takes.
pub fn lifetime<T: FromStr<Err = InvalidLifetime>>(text: &str) -> Result<T, Takes> {
    text.parse()
        .map_err(|invalid: InvalidLifetime| Takes(invalid.to_string()))
}
