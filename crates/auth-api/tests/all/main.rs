//! The auth API over real sockets: a process of its own and a database of its own for each test, driven by the SDK,
//! and by raw bytes for what the SDK cannot send wrong. The modules are named after the paths.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod account_changes;
mod acts;
mod admin;
mod audit;
mod cleanup;
mod confirmation;
mod delegation;
mod everywhere;
mod flood;
mod fuzzed;
mod gateways;
mod hashing;
mod hosts;
mod idle;
mod introspect;
mod log;
mod login;
mod logout;
mod me;
mod metrics;
mod newer_schema;
mod odd_rows;
mod openapi;
mod outage;
mod pages;
mod rate_limit;
mod refused_fields;
mod renew;
mod request_log;
mod revoke;
mod secrets;
mod settings;
mod spelling;
mod standby;
mod support;
mod token_limit;
mod tokens;
mod upgrade;
mod users;
mod verify;
