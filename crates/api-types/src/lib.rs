#![doc = include_str!("../README.md")]

mod account;
mod admin;
mod audit;
mod client;
mod given;
mod introspection;
mod network;
mod problem;
#[cfg(feature = "actix")]
mod problem_response;
#[cfg(feature = "schema")]
mod schema;
mod scopes;
mod seconds;
mod secret_text;
mod token;

pub use account::*;
pub use admin::*;
pub use audit::*;
pub use client::*;
pub(crate) use given::given;
pub use introspection::*;
pub use problem::{FieldError, PROBLEM_JSON, Problem, ProblemKind};
#[cfg(feature = "actix")]
pub use problem_response::ProblemResponse;
pub use scopes::OTHER_NAMES;
pub use secrecy::ExposeSecret;
pub use secret_text::SecretText;
pub use token::*;
