#![doc = include_str!("../README.md")]

mod browser;
mod dark;
mod database;
mod endpoint;
mod environment;
#[cfg(feature = "in-process")]
mod in_process;
mod outcome;
mod output;
mod pooler;
mod process;
mod raw;
mod required;
mod role;
mod service;
mod sql;
mod standby;
mod template;
mod usage;
mod wait;

pub use browser::{Browser, Looks};
pub use dark::DarkHost;
pub use database::{TestDatabase, connect, database, migrate, revert_all, try_connect};
pub use endpoint::Endpoint;
pub use environment::{end_with_input, example, is_role, this_program, without_settings};
#[cfg(feature = "in-process")]
pub use in_process::InProcess;
pub use outcome::{Outcome, run, try_run};
pub use pooler::{KEEPS_STATEMENTS, Pooler};
pub use process::{Paused, Process};
pub use raw::{RawConnection, RawRequest, RawResponse, raw, try_raw};
pub use required::find_program;
pub use role::TestRole;
pub use service::{NotStarted, ServiceProcess, listening_at};
pub use sql::{count, execute, may, may_not, text, wait_for_blocked};
pub use standby::SilentStandby;
pub use usage::{Activity, cpu_time, status_field};
pub use wait::wait_until;
