#![doc = include_str!("../README.md")]

mod admin;
mod answer;
mod app;
mod bearer;
mod builder;
mod challenge;
mod client;
mod clients;
mod credentials;
mod error;
mod exchange;
mod retry;
mod service_request;
mod session;
mod tls;
mod tokens;
mod verified;

pub use admin::Admin;
pub use app::{App, Authorization, DeviceAuthorization};
pub use builder::AuthClientBuilder;
pub use client::AuthClient;
pub use clients::Clients;
pub use credentials::Credentials;
pub use error::ClientError;
pub use jeton_api_types as types;
pub use jeton_api_types::{
    AuditQuery, ClientInfo, ClientList, ClientWithSecret, CreateClientRequest, CreateTokenRequest,
    CreateUserRequest, ExposeSecret, Introspection, IssuedToken, LoginRequest, MeResponse, Problem,
    ProblemKind, RenewedToken, SecretText, SetDelegableScopeRequest, SignUpRequest, TokenInfo, TokenList,
    UpdateUserRequest, UserInfo, UserList, UserQuery, VerifierInfo, VerifierList,
};
pub use reqwest::{Body, Method, Response, StatusCode};
pub use service_request::ServiceRequest;
pub use session::Session;
pub use tokens::Tokens;
pub use verified::Verified;
