//! The program as it is used, shorter: all is well; and what is not is found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod finds;
mod run;
mod support;
