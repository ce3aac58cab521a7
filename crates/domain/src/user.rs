use crate::{Email, PasswordHash, ScopeSet, UserId, Username};
use chrono::{DateTime, Utc};

/// Somebody, or some program, that tokens are issued to, as the table has it: whatever wrote it there, and by whatever
/// rules. Texts that are to be written go through [`Username`] and [`Email`] first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the user for good.
    pub id: UserId,
    /// What the user is called.
    pub username: String,
    /// Where the user may be reached, if known.
    pub email: Option<String>,
    /// What the user's tokens may do at the most.
    pub scopes: ScopeSet,
    /// Whether this is a service account: a program, which cannot sign in, and whose tokens administrators make.
    pub service: bool,
    /// When the user was created.
    pub created_at: DateTime<Utc>,
    /// Since when the user can neither sign in nor use a token, if so.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A user about to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A fresh id.
    pub id: UserId,
    /// Must be nobody's, in whatever case.
    pub username: Username,
    /// See [`User::email`].
    pub email: Option<Email>,
    /// `None`: there is no sign-in by password.
    pub password_hash: Option<PasswordHash>,
    /// See [`User::service`]; has no password then.
    pub service: bool,
    /// See [`User::scopes`].
    pub scopes: ScopeSet,
}

/// What is to be changed of a user. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// What the user signs in with from now on. Must be nobody else's, in whatever case.
    pub username: Option<Username>,
    /// Where the user may be reached from now on; `Some(None)`: nowhere.
    pub email: Option<Option<Email>>,
}
