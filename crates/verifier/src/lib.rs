#![doc = include_str!("../README.md")]

#[cfg(feature = "actix")]
pub mod actix;
mod authorization;
mod caller;
mod connection;
mod lookups;
mod settings;
mod verifier;

pub use authorization::{NoToken, bearer_token};
pub use caller::Caller;
pub use jeton_domain::{ScopeSet, TokenId, TokenKind, UserId};
pub use jeton_persistence::{DatabaseUrl, InvalidDatabaseUrl};
pub use settings::VerifierSettings;
pub use verifier::{ConnectError, Verifier, VerifyError};
