#![doc = include_str!("../README.md")]

mod clock;
mod faults;
mod ledger;
#[cfg(feature = "negative-controls")]
mod negative;
mod run;
mod settings;
mod verify;
mod wire;
mod workload;
mod world;

use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Could not do its work, as distinct from 1: has done it, and found something.
const TROUBLE: u8 = 2;

/// Runs real processes under faults, and fails if a revoked token is ever accepted.
#[derive(Parser)]
#[command(name = "jeton-history", version)]
struct Cli {
    /// Leave out this rule of the protocol
    #[cfg(feature = "negative-controls")]
    #[arg(long, global = true)]
    without: Option<negative::Rule>,

    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Run(settings::Settings),
    Verify(verify::Args),
    /// Serve as `jeton-auth-api` does (the driver starts this)
    Auth(Box<jeton_auth_api::Settings>),
    /// Run a command of `jeton` (the driver starts this)
    #[command(disable_help_flag = true)]
    Operate {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// The whole of `main`: 0 when every promise was kept, 1 when one was broken, 2 when that could not be found out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    #[cfg(feature = "negative-controls")]
    if let Some(rule) = cli.without {
        rule.leave_out();
    }
    let result = match cli.command {
        Command::Run(settings) => run::run(settings),
        Command::Verify(args) => verify::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Auth(settings) => return auth(*settings),
        Command::Operate { arguments } => {
            let name = std::iter::once(OsString::from("jeton"));
            return jeton_cli::run(name.chain(arguments));
        }
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::from(TROUBLE)
    })
}

/// Ends when standard input does, as every process of a run.
fn auth(settings: jeton_auth_api::Settings) -> ExitCode {
    jeton_proof_support::end_with_input();
    let log = settings.log.clone();
    jeton_http_kit::run(&log, async {
        jeton_auth_api::start(settings).await?.serve().await
    })
}
