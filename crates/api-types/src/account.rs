#[cfg(feature = "schema")]
use crate::schema;
use crate::{SecretText, TokenInfo, given, scopes, seconds};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The body of `POST /v1/users`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "username": "ada", "password": "plenty-of-blue-herons", "email": "ada@example.org"
})))]
pub struct SignUpRequest {
    /// 3 to 64 letters, digits and `._-@+`; must be nobody's, in whatever case.
    #[cfg_attr(feature = "schema", schema(value_type = schema::Username))]
    pub username: String,
    /// 8 to 1,024 characters, not easy to guess.
    #[cfg_attr(feature = "schema", schema(value_type = schema::NewPassword))]
    pub password: SecretText,
    /// Where the user may be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::Email>))]
    pub email: Option<String>,
}

/// The body of `POST /v1/login`, as JSON or as a form.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "username": "ada", "password": "plenty-of-blue-herons", "name": "Pixel 9"
})))]
pub struct LoginRequest {
    /// In whatever case.
    pub username: String,
    /// The user's password.
    pub password: SecretText,
    /// What to call the token, as "Pixel 9"; `login` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::TokenName>))]
    pub name: Option<String>,
    /// What the token is to be for; all that the user may do where nothing is said.
    #[serde(
        alias = "scope",
        default,
        deserialize_with = "scopes::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::AskedScopes>, nullable = false))]
    pub scopes: Option<Vec<String>>,
    /// How many seconds the token is to live: at most, and where nothing is said, as long as the service lets tokens
    /// live.
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

/// The body of `PUT /v1/me/password`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "current_password": "plenty-of-blue-herons", "new_password": "hardly-any-grey-herons"
})))]
pub struct ChangePasswordRequest {
    /// The password until now.
    pub current_password: SecretText,
    /// The password from now on.
    #[cfg_attr(feature = "schema", schema(value_type = schema::NewPassword))]
    pub new_password: SecretText,
}

/// The body of `PATCH /v1/me`: what is left out stays as it is.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "password": "plenty-of-blue-herons", "username": "countess"
})))]
pub struct UpdateAccountRequest {
    /// The user's password.
    pub password: SecretText,
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

/// The body of `DELETE /v1/me`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "password": "plenty-of-blue-herons" })))]
pub struct DeleteAccountRequest {
    /// The user's password.
    pub password: SecretText,
}

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UserSummary {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
}

/// What a user sees of the own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "id": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "username": "ada",
    "email": "ada@example.org",
    "scopes": ["notes:read", "notes:write"],
    "created_at": "2026-11-23T20:10:54.389124Z"
})))]
pub struct Account {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
    /// Where the user may be reached.
    pub email: Option<String>,
    /// What the user's tokens may do at the most.
    #[cfg_attr(feature = "schema", schema(value_type = schema::HeldScopes))]
    pub scopes: Vec<String>,
    /// When the user signed up.
    pub created_at: DateTime<Utc>,
}

/// The answer of `GET /v1/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Me))]
pub struct MeResponse {
    /// Who is asking.
    pub user: Account,
    /// With which token.
    pub token: TokenInfo,
}
