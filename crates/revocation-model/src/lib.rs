#![allow(missing_docs)]
mod check;
mod database;
mod fault;
mod lease;
mod model;
mod mutant;
mod properties;
mod purger;
mod revoker;
mod scenario;
mod state;
mod step;
mod xids;

pub use model::Protocol;
pub use mutant::Mutant;
pub use properties::*;
pub use scenario::{Change, Faults, Scenario};
pub use scenario::PLAIN;
pub use state::State;
pub use step::Step;
pub use xids::{Xid, Xids};
