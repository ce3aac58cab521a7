use jeton_domain::{ScopeSet, TokenId, TokenKind, UserId};
use jeton_persistence::lookups::ValidToken;
use std::sync::Arc;

/// Who is calling, by a token that was found valid. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Arc<ValidToken>);

impl Caller {
    pub(crate) fn new(token: ValidToken) -> Self {
        Self(Arc::new(token))
    }

    /// The user whose token it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.0.user_id
    }

    /// What that user is called, for a person to read: names can be given up and taken by others, ids cannot.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.0.username
    }

    /// Names the token without revealing it.
    #[must_use]
    pub fn token_id(&self) -> TokenId {
        self.0.token_id
    }

    /// What the token is for.
    #[must_use]
    pub fn token_kind(&self) -> TokenKind {
        self.0.kind
    }

    /// What the caller may do: the token's scopes and its user's in common.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.scopes
    }
}
