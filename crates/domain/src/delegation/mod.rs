//! Delegation (OAuth 2.1): other programs that users let act for them.

mod client;
mod delegable_scope;
mod pkce;
mod redirect_uri;
mod refresh_token;
mod secret;
mod user_code;

pub use crate::resource::{InvalidResource, Resource};
pub use client::{
    Client, ClientName, GrantType, InvalidClient, InvalidClientName, MAX_REDIRECT_URIS, NewClient,
    UnknownGrantType, check_scopes,
};
pub use delegable_scope::{DelegableScope, InvalidDelegableScope};
pub use pkce::{CodeChallenge, InvalidCodeChallenge};
pub use redirect_uri::{InvalidRedirectUri, MAX_REDIRECT_URI_LENGTH, RedirectUri};
pub use refresh_token::{REFRESH_GRACE, RefreshFamily, RefreshJudgement, RefreshToken};
pub use secret::{
    AuthorizationCode, AuthorizationHandle, ClientSecret, DeviceCode, MalformedSecret, SecretDigest,
};
pub use user_code::{InvalidUserCode, UserCode};
