#![doc = include_str!("../README.md")]

mod audit;
mod email;
mod id;
mod password;
mod password_hash;
mod scope;
mod token;
mod token_digest;
mod token_kind;
mod token_name;
mod token_text;
mod user;
mod username;

pub use audit::{Actor, AuditAction, Initiator, UnknownAuditAction};
pub use email::{Email, InvalidEmail};
pub use id::{NoteId, TokenId, UserId};
pub use password::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, NewPassword, Password, PasswordRefused};
pub use password_hash::{BcryptCost, Checked, InvalidBcryptCost, PasswordHash};
pub use scope::{
    ADMIN, INTROSPECT_TOKENS, InvalidScope, MAX_SCOPE_LENGTH, MAX_SCOPES, PRIVILEGED_SCOPES, REVOKE_TOKENS,
    Scope, ScopeSet,
};
pub use secrecy::ExposeSecret;
pub use token::{NewToken, Token};
pub use token_digest::TokenDigest;
pub use token_kind::{TokenKind, UnknownTokenKind};
pub use token_name::{InvalidTokenName, TokenName};
pub use token_text::{MalformedToken, PlainToken};
pub use user::{NewUser, User};
pub use username::{Username, UsernameKey, UsernameRefused};
