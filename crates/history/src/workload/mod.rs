//! What users and operators do.

mod actor;
mod operator;
mod person;
mod requests;

pub(crate) use actor::act;
pub(crate) use person::{Held, Person};
