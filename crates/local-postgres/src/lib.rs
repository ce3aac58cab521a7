#![doc = include_str!("../README.md")]

mod account;
mod cluster;
mod error;
mod log;
mod port;
pub mod process;
mod programs;
mod server;
mod supervisor;

pub use error::Error;
pub use programs::Programs;
pub use server::LocalPostgres;
