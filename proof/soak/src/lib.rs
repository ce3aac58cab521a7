#![doc = include_str!("../README.md")]

mod book;
mod findings;
mod judge;
mod operator;
mod outages;
mod person;
mod report;
mod restart;
mod role;
mod run;
mod services;
mod settings;
mod strangers;
mod tables;
mod usage;
mod world;

use clap::Parser;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// Could not do its work, as distinct from 1: has done it, and found something.
const TROUBLE: u8 = 2;

/// The whole of `main`: 0 when all was right, 1 when something was wrong, 2 when that could not be found out.
pub fn main() -> ExitCode {
    if let Some(status) = role::play(std::env::args_os()) {
        return status;
    }
    let result = run::run(settings::Settings::parse());
    result.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::from(TROUBLE)
    })
}

fn say(line: &(impl Display + ?Sized)) {
    // Whoever has stopped reading still gets the exit status.
    let _ = writeln!(std::io::stdout(), "{line}");
}
