use crate::{SecretText, TokenInfo, scopes, seconds};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The body of `POST /v1/users`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignUpRequest {
    /// 3 to 64 letters, digits and `._-@+`; must be nobody's, in whatever case.
    pub username: String,
    /// 8 to 1,024 characters, not easy to guess.
    pub password: SecretText,
    /// Where the user may be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The body of `POST /v1/login`, as JSON or as a form.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoginRequest {
    /// In whatever case.
    pub username: String,
    /// The user's password.
    pub password: SecretText,
    /// What to call the token, as "Pixel 9"; `login` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the token is to be for; all that the user may do where nothing is said.
    #[serde(
        default,
        deserialize_with = "scopes::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub scopes: Option<Vec<String>>,
    /// How many seconds the token is to live: at most, and where nothing is said, as long as the service lets tokens
    /// live.
    #[serde(
        default,
        deserialize_with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_in: Option<u64>,
}

/// The body of `PUT /v1/me/password`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangePasswordRequest {
    /// The password until now.
    pub current_password: SecretText,
    /// The password from now on.
    pub new_password: SecretText,
}

/// The body of `DELETE /v1/me`.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeleteAccountRequest {
    /// The user's password.
    pub password: SecretText,
}

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSummary {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
}

/// What a user sees of the own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
    /// Where the user may be reached.
    pub email: Option<String>,
    /// What the user's tokens may do at the most.
    pub scopes: Vec<String>,
    /// When the user signed up.
    pub created_at: DateTime<Utc>,
}

/// The answer of `GET /v1/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeResponse {
    /// Who is asking.
    pub user: Account,
    /// With which token.
    pub token: TokenInfo,
}
