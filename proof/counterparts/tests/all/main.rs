//! OAuth clients that others have written, as programs of their own, against a real auth API.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod client_credentials;
mod code;
mod device;
mod mcp;
mod program;
mod provider;

/// All of them, by the names of `scripts/counterparts`.
const ALL: [&str; 5] = [
    "openid-client",
    "oauth4webapi",
    "authlib",
    "requests-oauthlib",
    "oauth2-client",
];
