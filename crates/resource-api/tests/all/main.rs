//! The notes service beside the auth service, as processes on one Postgres: what a person does with both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod browser;
mod instances;
mod migrations;
mod notes;
mod outage;
mod protected_resource;
mod store;
mod support;
mod whole_path;
