#![doc = include_str!("../README.md")]

mod barrier;
mod heartbeat;
#[cfg(feature = "negative-controls")]
pub mod negative_controls;
mod rounds;

pub use barrier::{Barrier, confirm};

/// A revocation that is done, and may not have reached every verifier: nobody may be told yet that it holds. Asking for
/// the same again is right, and waits again.
#[derive(Debug, thiserror::Error)]
#[error("revoked, but not known to hold everywhere yet: {0}")]
pub struct Unconfirmed(pub(crate) String);
