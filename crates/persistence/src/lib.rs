#![doc = include_str!("../README.md")]

mod admins;
mod boot_time;
mod connection;
mod database;
mod database_url;
mod error;
mod functions;
mod manager;
mod rows;
#[expect(unreachable_pub, reason = "written by Diesel")]
mod schema;
mod snapshot;
mod triggers;
mod validity;

pub mod attempts;
pub mod audit;
pub mod lookups;
pub mod migrations;
pub mod notes;
pub mod purge;
pub mod revocations;
pub mod roles;
pub mod tokens;
pub mod users;
pub mod uses;
pub mod verifiers;

pub use admins::LAST_ADMIN;
pub use boot_time::BootTime;
pub use connection::{ConnectionLimits, establish};
pub use database::{Database, PoolSettings, PoolStatus};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use diesel::PgConnection;
pub use error::{DatabaseError, DatabaseResult};
pub use manager::TRUSTED_FOR;
pub use revocations::Revocation;
pub use snapshot::{Snapshot, Xid};
