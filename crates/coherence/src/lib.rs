#![doc = include_str!("../README.md")]

mod blocking;
mod boot_time;
mod columns;
mod connection;
mod database_url;
mod error;
mod functions;
mod limits;
mod migrated;
mod open;
mod open_connection;
mod pending;
mod plans;
mod prepared;
mod server_identity;
mod snapshot;
mod standing;
#[cfg(feature = "tls")]
mod tls;
mod triggers;
mod validity;

pub mod lookups;
#[cfg(feature = "negative-controls")]
pub mod negative_controls;
pub mod revocations;
#[allow(missing_docs, reason = "written by Diesel")]
pub mod schema;
pub mod uses;
pub mod verifiers;

pub use blocking::{LOCK_TIMEOUT, PgConnection, establish};
pub use boot_time::BootTime;
pub use columns::{TextArray, scopes, token_kind};
pub use connection::{connect, read_only, transaction};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use diesel_async::AsyncPgConnection;
pub use error::{DatabaseError, DatabaseResult};
pub use limits::{ConnectionLimits, DELAYED};
pub use migrated::{MIGRATIONS, applied_versions, find_pending, pending, version};
pub use open_connection::OpenConnection;
pub use pending::Pending;
pub use plans::{PLAN_ONCE, plan_once};
pub use prepared::{Prepare, Prepared};
pub use server_identity::{Granted, ServerIdentity, refused_servers};
pub use snapshot::{Snapshot, Xid};
pub use triggers::{DisabledTrigger, disabled_triggers};
pub use validity::{ENDS_AT, FromNow, IS_VALID, IsValid, LAST_USED_AT, LastUsedAt, from_now};
