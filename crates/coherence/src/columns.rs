use crate::{DatabaseError, DatabaseResult};
use jeton_domain::{ScopeSet, TokenKind};

/// An array column whose elements are never null.
pub type TextArray = Vec<Option<String>>;

/// The set of scopes that a column holds; `None` for a text that is no scope.
#[must_use]
pub fn scopes(texts: TextArray) -> Option<ScopeSet> {
    let texts: Option<Vec<String>> = texts.into_iter().collect();
    ScopeSet::from_texts(texts?).ok()
}

/// What a token is for, as `tokens.kind` has it.
///
/// # Errors
/// [`DatabaseError::Corrupt`]
pub fn token_kind(text: &str) -> DatabaseResult<TokenKind> {
    TokenKind::parse(text).or(Err(DatabaseError::Corrupt("tokens.kind")))
}
