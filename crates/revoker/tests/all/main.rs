//! The barrier against a real database. What it does for real verifiers is in the tests of `jeton-verifier`; here they
//! are rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod barrier;
