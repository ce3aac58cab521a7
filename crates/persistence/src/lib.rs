#![doc = include_str!("../README.md")]

mod connection;
mod database;
mod database_url;
mod error;
mod manager;
mod rows;
mod schema;

pub mod lookups;
pub mod migrations;
pub mod notes;
pub mod tokens;
pub mod users;

pub use connection::{ConnectionLimits, establish};
pub use database::{Database, PoolSettings};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use diesel::PgConnection;
pub use error::{DatabaseError, DatabaseResult};
