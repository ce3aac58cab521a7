#![doc = include_str!("../README.md")]

#[cfg(feature = "actix")]
pub mod actix;
mod authorization;
mod authorize;
#[cfg(feature = "axum")]
pub mod axum;
mod caller;
mod connection;
mod home;
mod lease;
mod lookups;
mod memory;
#[cfg(feature = "negative-controls")]
pub mod negative_controls;
mod permissions;
#[cfg(any(feature = "actix", feature = "axum"))]
mod policy;
mod protected_resource;
mod refusal;
mod settings;
mod table;
mod uses;
mod verifier;
mod worker;

pub use authorization::{AuthorizationError, bearer_token};
pub use authorize::{Decision, LookUp};
pub use caller::Caller;
pub use jeton_coherence::{DatabaseUrl, InvalidDatabaseUrl};
pub use jeton_domain::{ClientId, InvalidResource, Resource, Scope, ScopeSet, TokenId, TokenKind, UserId};
pub use protected_resource::{InvalidProtectedResource, ProtectedResource};
pub use refusal::{Refusal, RefusalKind};
pub use settings::{DEFAULT_LEASE, LONGEST_LEASE, MOST_CACHE_TOKENS, SHORTEST_LEASE, VerifierSettings};
pub use verifier::{ConnectError, Status, Verifier, VerifyError};

/// The examples of the project's README, which are to compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
