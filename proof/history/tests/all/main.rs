//! The program as it is used: real processes, half a minute of faults, and what is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod ends;
mod negative;
mod pair;
mod run;
mod support;
