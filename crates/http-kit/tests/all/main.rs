//! A small service made of the kit, over real sockets: what every service of ours promises to those who connect to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod bodies;
mod connection;
mod cors;
mod limits;
mod log;
mod metrics;
mod paths;
mod ready;
mod request_log;
mod settings;
mod shutdown;
mod support;
