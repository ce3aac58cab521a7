//! The real program against a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod audit;
mod clients;
mod completions;
mod doctor;
mod healthcheck;
mod jeton;
mod migrate;
mod networks;
mod output;
mod revocation;
mod roles;
mod settings;
mod tokens;
mod user_changes;
mod users;
mod verifiers;
mod waiting;
