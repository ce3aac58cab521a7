//! The program as it is used, as briefly as it goes: it comes to its end, and has measured all that it is there for.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod quick;
