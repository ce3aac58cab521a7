#[cfg(feature = "schema")]
use crate::schema;
use crate::{SecretText, given, network, scopes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an administrator sees of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = User, example = json!({
    "id": "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1",
    "username": "nightly-backup",
    "email": null,
    "scopes": ["notes:read"],
    "service": true,
    "created_at": "2026-11-23T20:10:54.389124Z",
    "disabled_at": null
})))]
pub struct UserInfo {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
    /// Where the user may be reached.
    pub email: Option<String>,
    /// What the user's tokens may do at the most.
    #[cfg_attr(feature = "schema", schema(value_type = schema::HeldScopes))]
    pub scopes: Vec<String>,
    /// Whether it is a service account: it has no password and cannot sign in.
    pub service: bool,
    /// When the user was created.
    pub created_at: DateTime<Utc>,
    /// Since when the user can neither sign in nor use a token; null: not disabled.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// The answer of `GET /v1/admin/users`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UserList {
    /// Newest first.
    pub users: Vec<UserInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// The query of `GET /v1/admin/users`: what is said must all be true of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "prefix": "nightly", "disabled": false, "service": true })))]
pub struct UserQuery {
    /// Whose name begins so, in whatever case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Who is disabled, or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// What is a service account, or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<bool>,
}

/// The body of `POST /v1/admin/users`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "username": "nightly-backup", "service": true, "scopes": ["notes:read"]
})))]
pub struct CreateUserRequest {
    /// 3 to 64 letters, digits and `._-@+`; must be nobody's, in whatever case.
    #[cfg_attr(feature = "schema", schema(value_type = schema::Username))]
    pub username: String,
    /// 8 to 1,024 characters, not easy to guess; to be left out for a service account, and for nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::NewPassword>))]
    pub password: Option<SecretText>,
    /// Where the user may be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::Email>))]
    pub email: Option<String>,
    /// Whether it is a service account: it cannot sign in, and an administrator makes its tokens.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(default = false))]
    pub service: bool,
    /// What the user's tokens may do at the most; what those may do who sign up where nothing is said.
    #[serde(
        alias = "scope",
        default,
        deserialize_with = "scopes::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::AskedScopes>, nullable = false))]
    pub scopes: Option<Vec<String>>,
}

/// The body of `PATCH /v1/admin/users/{id}`: what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "username": "weekly-backup", "email": "ops@example.org"
})))]
pub struct UpdateUserRequest {
    /// What the user signs in with from now on: 3 to 64 letters, digits and `._-@+`; must be nobody else's, in whatever
    /// case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::Username>))]
    pub username: Option<String>,
    /// Where the user may be reached from now on; null: nowhere.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::Email>))]
    pub email: Option<Option<String>>,
}

/// The body of `PUT /v1/admin/users/{id}/scopes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "scopes": ["notes:read"] })))]
pub struct SetScopesRequest {
    /// All that the user's tokens may do from now on, at the most.
    #[serde(alias = "scope", deserialize_with = "scopes::array_or_text")]
    #[cfg_attr(feature = "schema", schema(value_type = schema::AskedScopes))]
    pub scopes: Vec<String>,
}

/// The body of `PUT /v1/admin/users/{id}/password`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "password": "hardly-any-grey-herons" })))]
pub struct SetPasswordRequest {
    /// The password from now on.
    #[cfg_attr(feature = "schema", schema(value_type = schema::NewPassword))]
    pub password: SecretText,
    /// Whether a service account is to become a user who can sign in.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(default = false))]
    pub allow_sign_in: bool,
}

/// The query of `GET /v1/admin/audit-events`: what is said must all be true of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "user": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "by": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "action": "sign-in",
    "since": "2026-11-23T20:10:54.389124Z",
    "until": "2026-12-23T20:10:54.389124Z"
})))]
pub struct AuditQuery {
    /// What happened to the user with this id, who may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// What the user with this id did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Uuid>,
    /// What happened, as `sign-in` or `token-revoked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::AuditAction>))]
    pub action: Option<String>,
    /// At this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A service that may check tokens from memory, as it has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Verifier, example = json!({
    "id": "01a20a08-7c35-7d10-8a5e-2b9c4f6e1d70",
    "name": "shop-api@web-1",
    "role": "shop_api",
    "lease_ms": 5000,
    "registered_at": "2026-11-23T20:10:54.389124Z"
})))]
pub struct VerifierInfo {
    /// Names one life of it: it registers with another after every lost connection.
    pub id: Uuid,
    /// What its operator calls it.
    pub name: String,
    /// The role that it signs in to the database as.
    pub role: String,
    /// For so many milliseconds after sending a renewal it may answer from memory.
    #[cfg_attr(feature = "schema", schema(minimum = 100, maximum = 60_000))]
    pub lease_ms: u64,
    /// When it registered.
    pub registered_at: DateTime<Utc>,
}

/// The answer of `GET /v1/admin/verifiers`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VerifierList {
    /// Newest first.
    pub verifiers: Vec<VerifierInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// What counts for a network: failed sign-ins, and sign-ups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = NetworkLimit, example = json!({
    "network": "203.0.113.9",
    "failures": 300,
    "last_at": "2026-11-23T20:10:54.389124Z",
    "blocked_for": 12
})))]
pub struct NetworkLimitInfo {
    /// An IPv4 address, or a /64 of IPv6.
    pub network: String,
    /// How many of the last hour still count.
    pub failures: u32,
    /// When the last was made.
    pub last_at: DateTime<Utc>,
    /// For so many seconds none is let through; null: one is.
    pub blocked_for: Option<u64>,
}

/// The answer of `GET /v1/admin/networks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetworkLimitList {
    /// Those that most counts for, first.
    pub networks: Vec<NetworkLimitInfo>,
}

/// The body of `POST /v1/admin/networks/unblock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "address": "203.0.113.9" })))]
pub struct UnblockNetworkRequest {
    /// An address of the network; or the network, as it is listed.
    #[serde(deserialize_with = "network::deserialize")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "203.0.113.9"))]
    pub address: String,
}
