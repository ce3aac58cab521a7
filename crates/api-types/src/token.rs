use crate::{SecretText, UserSummary, scopes, seconds};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A token just issued: the answer of `POST /v1/users`, `POST /v1/login` and `POST /v1/tokens`, and the only one that
/// ever holds the token's text.
#[derive(Debug, Serialize, Deserialize)]
pub struct IssuedToken {
    /// What to send as `Authorization: Bearer …`.
    pub token: SecretText,
    /// `Bearer` (RFC 6750).
    pub token_type: String,
    /// Names the token without revealing it.
    pub token_id: Uuid,
    /// `login` or `personal`.
    pub kind: String,
    /// What the user calls it.
    pub name: String,
    /// What it was issued for.
    pub scopes: Vec<String>,
    /// From when on it is no longer accepted; null: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whose it is.
    pub user: UserSummary,
}

/// What can be seen of a token later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Names the token without revealing it.
    pub id: Uuid,
    /// `login` or `personal`.
    pub kind: String,
    /// What the user calls it.
    pub name: String,
    /// What it was issued for. What it may do is this and the user's scopes in common.
    pub scopes: Vec<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// From when on it is no longer accepted; null: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// So many seconds after its last use, or its issue, it is no longer accepted either; null: there is no such limit.
    pub idle_ttl: Option<u64>,
    /// When it was last used, to the minute; null: not yet, or only just.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The answer of `GET /v1/tokens`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// Newest first.
    pub tokens: Vec<TokenInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// The body of `POST /v1/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateTokenRequest {
    /// What to call it, as "nightly backup".
    pub name: String,
    /// What it is to be for; no more than the token that asks may do.
    #[serde(deserialize_with = "scopes::array_or_text")]
    pub scopes: Vec<String>,
    /// How many seconds it is to live; as long as sign-ins do where nothing is said.
    #[serde(
        default,
        deserialize_with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_in: Option<u64>,
}

/// The body of `PATCH /v1/tokens/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenameTokenRequest {
    /// What to call it from now on.
    pub name: String,
}

/// The answer of `POST /v1/logout-all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutAllResponse {
    /// How many tokens were revoked, the one that asked included.
    pub revoked: u64,
}
