//! `jeton`: the operator's commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    jeton_cli::run(std::env::args_os())
}
