//! The client against servers of the test's own, on real sockets, which record what reaches them byte for byte.
#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions by itself, not in what they call"
)]

mod account;
mod apps;
mod auth;
mod redirects;
mod renewal;
mod retries;
mod secrets;
mod server;
mod services;
mod support;
