use crate::{DatabaseError, DatabaseResult};
use jeton_domain::{ScopeSet, TokenKind};
use uuid::Uuid;

/// An array column whose elements are never null.
pub type TextArray = Vec<Option<String>>;

/// The scopes that a column holds, in the row with this id. What is no scope gives nothing; the log tells of it.
#[must_use]
pub fn scopes(column: &'static str, id: Uuid, texts: &TextArray) -> ScopeSet {
    let (scopes, all) = ScopeSet::from_stored(texts.iter().map(|text| text.as_deref().unwrap_or_default()));
    if !all {
        tracing::warn!(column, %id, "a stored scope that is none gives nothing");
    }
    scopes
}

/// What the token with this id is for, as `tokens.kind` has it.
///
/// # Errors
/// [`DatabaseError::Corrupt`]
pub fn token_kind(id: Uuid, text: &str) -> DatabaseResult<TokenKind> {
    let column = "tokens.kind";
    TokenKind::parse(text).or(Err(DatabaseError::Corrupt { column, id }))
}
