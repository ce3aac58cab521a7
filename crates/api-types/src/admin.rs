use crate::{SecretText, scopes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an administrator sees of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// Names the user for good.
    pub id: Uuid,
    /// What the user signs in with.
    pub username: String,
    /// Where the user may be reached.
    pub email: Option<String>,
    /// What the user's tokens may do at the most.
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
pub struct UserList {
    /// Newest first.
    pub users: Vec<UserInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// The query of `GET /v1/admin/users`: what is said must all be true of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct CreateUserRequest {
    /// 3 to 64 letters, digits and `._-@+`; must be nobody's, in whatever case.
    pub username: String,
    /// 8 to 1,024 characters, not easy to guess; to be left out for a service account, and for nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// Where the user may be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it is a service account: it cannot sign in, and an administrator makes its tokens.
    #[serde(default)]
    pub service: bool,
    /// What the user's tokens may do at the most; what those may do who sign up where nothing is said.
    #[serde(
        default,
        deserialize_with = "scopes::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub scopes: Option<Vec<String>>,
}

/// The body of `PUT /v1/admin/users/{id}/scopes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetScopesRequest {
    /// All that the user's tokens may do from now on, at the most.
    #[serde(deserialize_with = "scopes::array_or_text")]
    pub scopes: Vec<String>,
}

/// The body of `PUT /v1/admin/users/{id}/password`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetPasswordRequest {
    /// The password from now on.
    pub password: SecretText,
    /// Whether a service account is to become a user who can sign in.
    #[serde(default)]
    pub allow_sign_in: bool,
}

/// The query of `GET /v1/admin/audit-events`: what is said must all be true of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// What happened to the user with this id, who may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// What the user with this id did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Uuid>,
    /// What happened, as `sign-in` or `token-revoked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// At this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}
