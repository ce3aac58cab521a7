//! `jeton-bench`: see the library's documentation.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    jeton_bench::run(jeton_bench::Cli::parse())
}
