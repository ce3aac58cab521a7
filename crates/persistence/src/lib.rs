#![doc = include_str!("../README.md")]

mod admins;
mod database;
mod declared;
mod lines;
mod locks;
mod manager;
mod places;
mod row_locks;
mod rows;
mod writable;

pub mod audit;
pub mod cleanup;
pub mod delegation;
pub mod doctor;
pub mod migrations;
pub mod rate_limit;
pub mod roles;
pub mod tokens;
pub mod turns;
pub mod users;
pub mod verifiers;

pub use admins::LAST_ADMIN;
pub use database::{Database, PoolSettings, PoolStatus};
pub use jeton_coherence::{
    ConnectionLimits, DELAYED, DatabaseError, DatabaseResult, DatabaseUrl, InvalidDatabaseUrl, Pending,
    PgConnection, establish,
};
pub use manager::TRUSTED_FOR;
pub use places::Turn;
pub use writable::check_writable;

pub(crate) use jeton_coherence::{schema, transaction};
