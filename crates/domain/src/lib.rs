#![doc = include_str!("../README.md")]

#[cfg(feature = "accounts")]
mod audit;
#[cfg(feature = "accounts")]
pub mod delegation;
#[cfg(feature = "accounts")]
mod email;
#[cfg(feature = "accounts")]
mod guesses;
mod id;
#[cfg(feature = "accounts")]
mod lifetime;
#[cfg(feature = "accounts")]
mod password;
#[cfg(feature = "accounts")]
mod password_hash;
pub mod printable;
#[cfg(feature = "accounts")]
pub mod rate_limit;
mod resource;
mod scope;
#[cfg(feature = "accounts")]
mod text;
#[cfg(feature = "accounts")]
mod token;
mod token_digest;
mod token_kind;
#[cfg(feature = "accounts")]
mod token_name;
mod token_text;
#[cfg(feature = "accounts")]
mod user;
#[cfg(feature = "accounts")]
mod username;

#[cfg(feature = "accounts")]
pub use audit::{Actor, AuditAction, AuditContext, AuditReason, UnknownAuditAction};
#[cfg(feature = "accounts")]
pub use email::{Email, InvalidEmail};
pub use id::{ClientId, GrantId, InvalidClientId, TokenId, UserId};
#[cfg(feature = "accounts")]
pub use lifetime::{
    IdleTimeout, InvalidLifetime, LONGEST_LIFETIME_SECS, Lifetime, LifetimeRefused, TokenLifetime,
};
#[cfg(feature = "accounts")]
pub use password::{
    MAX_PASSWORD_BYTES, MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, NewPassword, Password, PasswordRefused,
};
#[cfg(feature = "accounts")]
pub use password_hash::{BcryptCost, Checked, InvalidBcryptCost, PasswordHash};
pub use resource::{InvalidResource, Resource};
pub use scope::{
    ADMIN, INTROSPECT_TOKENS, InvalidDefaultScopes, InvalidScope, MAX_SCOPE_LENGTH, MAX_SCOPES,
    PRIVILEGED_SCOPES, REVOKE_TOKENS, Scope, ScopeSet, ScopesNotHeld,
};
pub use secrecy::ExposeSecret;
#[cfg(feature = "accounts")]
pub use token::{NewToken, Token, TokenPolicy};
pub use token_digest::TokenDigest;
pub use token_kind::{TokenKind, UnknownTokenKind};
#[cfg(feature = "accounts")]
pub use token_name::{InvalidTokenName, TokenName};
pub use token_text::{MalformedToken, PlainToken};
#[cfg(feature = "accounts")]
pub use user::{NewUser, User, UserChanges};
#[cfg(feature = "accounts")]
pub use username::{Username, UsernameKey, UsernameRefused};
