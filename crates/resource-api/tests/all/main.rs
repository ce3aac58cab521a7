//! The notes service beside the auth service, as processes on one Postgres: what a person does with both.

mod instances;
mod notes;
mod outage;
mod support;
mod whole_path;
