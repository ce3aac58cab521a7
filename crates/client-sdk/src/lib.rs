#![doc = include_str!("../README.md")]

mod answer;
mod bearer;
mod builder;
mod challenge;
mod client;
mod credentials;
mod error;
mod exchange;
mod retry;
mod service_request;
mod session;
mod tls;
mod tokens;
mod verified;

pub use builder::AuthClientBuilder;
pub use client::AuthClient;
pub use credentials::Credentials;
pub use error::ClientError;
pub use jeton_api_types as types;
pub use jeton_api_types::{
    CreateTokenRequest, ExposeSecret, Introspection, IssuedToken, LoginRequest, MeResponse, Problem,
    ProblemKind, SecretText, SignUpRequest, TokenInfo, TokenList,
};
pub use reqwest::{Body, Method, Response, StatusCode};
pub use service_request::ServiceRequest;
pub use session::Session;
pub use tokens::Tokens;
pub use verified::Verified;
