//! The verifier, and its guard, against a real Postgres: each test in a database of its own.
#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions by itself, not in what they call"
)]

mod allocations;
mod authorize;
mod axum_guard;
mod batches;
mod connect;
mod ending;
mod example;
mod fail_over;
mod front_ends;
mod gate;
mod guard;
mod guard_refusals;
mod hung;
mod in_flight;
mod lease;
mod memory;
mod outages;
mod pooler;
mod registering;
mod resources;
mod role;
mod server;
mod support;
mod verify;
