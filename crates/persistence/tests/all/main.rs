//! Every statement of this crate against a real Postgres, each test in a database of its own.
#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions by itself, not in what they call"
)]

mod admins;
mod audit;
mod audit_log;
mod cleanup;
mod cleanup_races;
mod database;
mod delegation;
mod hanging;
mod idle;
mod isolation;
mod live_migrations;
mod logbook;
mod lookups;
mod migrations;
mod old_snapshots;
mod outages;
mod passwords;
mod pool;
mod races;
mod rate_limit;
mod renewals;
mod replicated;
mod revoking;
mod role_harm;
mod role_migrations;
mod roles;
mod schema;
mod sign_up;
mod support;
mod token_limit;
mod tokens;
mod triggers;
mod triggers_always;
mod user_changes;
mod users;
mod uses;
mod verifiers;
