use crate::{ScopeSet, TokenDigest, TokenId, TokenKind, TokenName, UserId};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// What is known of a token that was issued; never its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names the token without revealing it.
    pub id: TokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub kind: TokenKind,
    /// What its user calls it.
    pub name: TokenName,
    /// What it was issued for. What it may do is this and [`User::scopes`](crate::User::scopes) in common.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// From when on it is no longer accepted; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// So long after its last use, or its issue, it is no longer accepted either; `None`: there is no such limit.
    pub idle_ttl: Option<Duration>,
    /// When it was last used, to the minute, as far as that has been noted; `None`: never yet.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A token about to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// A fresh id.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: TokenDigest,
    /// See [`Token::kind`].
    pub kind: TokenKind,
    /// See [`Token::name`].
    pub name: TokenName,
    /// See [`Token::scopes`].
    pub scopes: ScopeSet,
    /// How long it lives, counted by the database from the moment it stores it; `None`: for ever.
    pub ttl: Option<Duration>,
    /// See [`Token::idle_ttl`]; whole seconds.
    pub idle_ttl: Option<Duration>,
    /// How many valid tokens its user may have, this one included. At least 2: the last place is for one that signing in
    /// gives.
    pub user_limit: u32,
}
