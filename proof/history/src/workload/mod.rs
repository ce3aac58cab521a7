//! What users and operators do.

mod actor;
mod app;
mod chance;
mod eviction;
mod operator;
mod order;
mod person;
mod requests;

pub(crate) use actor::act;
pub(crate) use app::act as act_as_app;
pub(crate) use eviction::TOKENS_PER_USER;
pub(crate) use order::By;
pub(crate) use person::{Held, Person, Way, conclude, random_word};
pub(crate) use requests::Answer;
