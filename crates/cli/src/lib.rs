#![doc = include_str!("../README.md")]

mod client_arg;
mod commands;
mod confirm;
mod database;
mod error;
mod listing;
mod output;
mod parse;
mod password;
mod scopes;
mod table;
mod user_arg;

use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

/// Operates Jeton: brings its database up to date, manages its users and their tokens.
#[derive(Parser)]
#[command(name = "jeton", version)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

/// What the program takes: all commands, and their arguments.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments, the program's name first, ask for. What it says goes to standard output, why it
/// failed to standard error.
///
/// 0 is for done, 1 for failed, 2 for arguments that cannot be understood.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // clap's own message, with its advice on usage: whoever reads it has just typed the command.
    let cli: Cli = match jeton_http_kit::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}
