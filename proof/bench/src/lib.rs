#![doc = include_str!("../README.md")]

mod chart;
mod child;
mod cli;
mod database;
mod grants;
mod http;
mod introspection;
mod jwt;
mod known;
mod load;
mod machine;
mod measure;
mod memory;
mod plan;
mod redis_server;
mod report;
mod results;
mod role;
mod service;
mod stats;
mod targets;
mod token_series;

pub use cli::{Cli, run};
pub use database::{BenchDatabase, Rows};
pub use jwt::{Jwt, JwtKeys};
pub use known::Known;
pub use token_series::TokenSeries;

/// What is going on, for whoever waits.
pub(crate) fn say(message: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "jeton-bench: {message}");
}
