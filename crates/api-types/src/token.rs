#[cfg(feature = "schema")]
use crate::schema;
use crate::{SecretText, UserSummary, scopes, seconds};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A token just issued: the answer of `POST /v1/users`, `POST /v1/login` and `POST /v1/tokens`, and the only one that
/// ever holds the token's text.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "token": "jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw",
    "token_type": "Bearer",
    "token_id": "01a20a08-721c-71bf-b9fb-b59fd8b911bd",
    "kind": "login",
    "name": "login",
    "scopes": ["notes:read", "notes:write"],
    "expires_at": "2026-12-23T20:10:54.389124Z",
    "user": { "id": "01a20a08-721c-71bf-b9fb-b59edca64a79", "username": "ada" }
})))]
pub struct IssuedToken {
    /// What to send as `Authorization: Bearer …`.
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenText))]
    pub token: SecretText,
    /// `Bearer` (RFC 6750).
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenType))]
    pub token_type: String,
    /// Names the token without revealing it.
    pub token_id: Uuid,
    /// `login` or `personal`.
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenKind))]
    pub kind: String,
    /// What the user calls it.
    pub name: String,
    /// What it was issued for.
    #[cfg_attr(feature = "schema", schema(value_type = schema::HeldScopes))]
    pub scopes: Vec<String>,
    /// From when on it is no longer accepted; null: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whose it is.
    pub user: UserSummary,
}

/// What can be seen of a token later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "id": "01a20a08-721c-71bf-b9fb-b59fd8b911bd",
    "kind": "login",
    "name": "Pixel 9",
    "scopes": ["notes:read", "notes:write"],
    "created_at": "2026-11-23T20:10:54.389124Z",
    "expires_at": "2026-12-23T20:10:54.389124Z",
    "idle_ttl": null,
    "last_used_at": "2026-11-23T20:10:55.012874Z"
})))]
pub struct TokenInfo {
    /// Names the token without revealing it.
    pub id: Uuid,
    /// `login` or `personal`.
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenKind))]
    pub kind: String,
    /// What the user calls it.
    pub name: String,
    /// What it was issued for. What it may do is this and the user's scopes in common.
    #[cfg_attr(feature = "schema", schema(value_type = schema::HeldScopes))]
    pub scopes: Vec<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// From when on it is no longer accepted; null: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// So many seconds after its last use, or its issue, it is no longer accepted either; null: there is no such limit.
    #[cfg_attr(feature = "schema", schema(minimum = 1))]
    pub idle_ttl: Option<u64>,
    /// When it was last used, to the minute; null: not yet, or only just.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The answer of `GET /v1/tokens`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenList {
    /// Newest first.
    pub tokens: Vec<TokenInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// The body of `POST /v1/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "name": "nightly backup", "scopes": ["notes:read"], "expires_in": 7776000
})))]
pub struct CreateTokenRequest {
    /// What to call it, as "nightly backup".
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenName))]
    pub name: String,
    /// What it is to be for; no more than the token that asks may do.
    #[serde(alias = "scope", deserialize_with = "scopes::array_or_text")]
    #[cfg_attr(feature = "schema", schema(value_type = schema::AskedScopes))]
    pub scopes: Vec<String>,
    /// How many seconds it is to live; as long as sign-ins do where nothing is said.
    #[serde(
        default,
        deserialize_with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schema",
        schema(minimum = 1, maximum = 315_360_000, nullable = false)
    )]
    pub expires_in: Option<u64>,
}

/// The body of `PATCH /v1/tokens/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "name": "Pixel 9" })))]
pub struct RenameTokenRequest {
    /// What to call it from now on.
    #[cfg_attr(feature = "schema", schema(value_type = schema::TokenName))]
    pub name: String,
}

/// The body of `POST /v1/token/renew`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "old_expires_in": 300 })))]
pub struct RenewTokenRequest {
    /// After how many seconds the token that asks ends, if it does not end before; 0: at once. A minute where nothing is
    /// said.
    #[serde(
        default,
        deserialize_with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 86_400, nullable = false))]
    pub old_expires_in: Option<u64>,
}

/// The answer of `POST /v1/token/renew`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "issued": {
        "token": "jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw",
        "token_type": "Bearer",
        "token_id": "01a20a08-738f-751b-8481-9455bd50dae2",
        "kind": "personal",
        "name": "backup-1",
        "scopes": ["notes:read"],
        "expires_at": "2027-02-21T20:10:55.759331Z",
        "user": { "id": "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1", "username": "nightly-backup" }
    },
    "old_expires_at": "2026-11-23T20:15:55.759331Z"
})))]
pub struct RenewedToken {
    /// The successor.
    pub issued: IssuedToken,
    /// From when on no service accepts the token that asked; null: it was ended, and is not known to be so everywhere yet.
    /// Logging out with it waits for that.
    pub old_expires_at: Option<DateTime<Utc>>,
}

/// The answer of `POST /v1/logout-all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Revoked, example = json!({ "revoked": 3 })))]
pub struct LogoutAllResponse {
    /// How many tokens were revoked, the one that asked included.
    pub revoked: u64,
}
