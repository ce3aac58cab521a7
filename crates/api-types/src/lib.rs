#![doc = include_str!("../README.md")]

mod account;
mod admin;
mod audit;
mod introspection;
mod problem;
#[cfg(feature = "actix")]
mod problem_response;
mod scopes;
mod seconds;
mod secret_text;
mod token;

pub use account::{
    Account, ChangePasswordRequest, DeleteAccountRequest, LoginRequest, MeResponse, SignUpRequest,
    UserSummary,
};
pub use admin::{
    AuditQuery, CreateUserRequest, SetPasswordRequest, SetScopesRequest, UserInfo, UserList, UserQuery,
};
pub use audit::{AuditEventInfo, AuditEventList};
pub use introspection::{Introspection, PresentedToken};
pub use problem::{FieldError, PROBLEM_JSON, Problem, ProblemKind};
#[cfg(feature = "actix")]
pub use problem_response::ProblemResponse;
pub use secrecy::ExposeSecret;
pub use secret_text::SecretText;
pub use token::{
    CreateTokenRequest, IssuedToken, LogoutAllResponse, RenameTokenRequest, TokenInfo, TokenList,
};
