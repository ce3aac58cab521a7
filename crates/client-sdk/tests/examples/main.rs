//! The examples as processes, against both services on a real Postgres.
#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions by itself, not in what they call"
)]

mod apps;
mod command_line;
mod notes;
mod service_account;
mod support;
