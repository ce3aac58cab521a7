#![doc = include_str!("../README.md")]

mod check;
mod database;
mod difference;
mod fail_over;
mod fault;
mod lease;
mod model;
mod mutant;
mod properties;
mod purger;
mod report;
mod revoker;
mod scenario;
mod scenarios;
mod state;
mod step;
mod story;
mod xids;

pub use model::Protocol;
pub use mutant::Mutant;
pub use properties::{
    APPLIED_IS_FLUSHED, BOUNDED_WAIT, LEASE_HAS_ROW, NO_STALE_ACCEPT, NO_WRONG_REFUSAL, SOMETIMES,
};
pub use report::{Report, check};
pub use scenario::{Change, Faults, Scenario};
pub use scenarios::{Size, scenarios};
pub use state::{State, View};
pub use step::Step;
pub use xids::{Xid, Xids};
