#![doc = include_str!("../README.md")]

mod browser;
mod database;
mod output;
mod program;
mod raw;
mod required;
mod role;
mod service;
mod sql;
mod template;
mod wait;

pub use browser::Browser;
pub use database::{TestDatabase, migrate};
pub use program::{example, program, program_with};
pub use raw::{RawRequest, RawResponse, raw, try_raw};
pub use required::find_program;
pub use role::TestRole;
pub use service::{NotStarted, ServiceProcess, without_settings};
pub use sql::{count, execute, text};
pub use wait::wait_until;
