//! A verifier process: checks all tokens that it is told of, all the time, and reports what it saw.

mod checker;
mod guarded;
mod watched;

use crate::wire::{Command, Report};
use anyhow::Context;
use checker::Checker;
use jeton_http_kit::{DatabaseSettings, VerifierArgs};
use jeton_verifier::{ConnectError, DatabaseUrl, Verifier, VerifierSettings};
use std::io::{BufRead, Write};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a verifier process says when it has connected.
pub(crate) const READY: &str = "ready";

/// How many threads check, in each.
pub(crate) const THREADS: usize = 2;

/// How long to wait before connecting once more: it may be a Postgres that is just being restarted.
const RECONNECT: Duration = Duration::from_millis(50);

/// How long the end may take.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Check tokens as standard input says (the driver starts this)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseSettings,

    #[command(flatten)]
    verifier: VerifierArgs,

    /// How many threads check
    #[arg(long, default_value_t = THREADS)]
    threads: usize,
}

/// Runs until standard input ends, which it does when the driver does, however that ends.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let settings = settings(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..args.threads).map(|_| unbounded_channel()).unzip();
    std::thread::spawn(move || read_commands(senders));
    let verifier = runtime.block_on(connect(settings))?;
    say(READY)?;
    let threads: Vec<_> = receivers
        .into_iter()
        .map(|receiver| {
            let verifier = verifier.clone();
            std::thread::spawn(move || check(verifier, receiver))
        })
        .collect();
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("a checker panicked"))??;
    }
    runtime.block_on(verifier.close());
    Ok(())
}

fn settings(args: &Args) -> anyhow::Result<VerifierSettings> {
    let url: DatabaseUrl = args.database.database_url()?;
    Ok(args.verifier.settings(url))
}

/// Connects as soon as there is a database.
async fn connect(settings: VerifierSettings) -> anyhow::Result<Verifier> {
    loop {
        match Verifier::connect(settings.clone()).await {
            Ok(verifier) => return Ok(verifier),
            Err(ConnectError::Database(_)) => tokio::time::sleep(RECONNECT).await,
            Err(error) => return Err(error.into()),
        }
    }
}

fn check(verifier: Verifier, commands: UnboundedReceiver<Command>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let checker = Checker::new(verifier, commands, |report: &Report| {
        if let Ok(line) = serde_json::to_string(report) {
            // A driver that is gone cannot be told, and standard input is about to end.
            let _ = say(&line);
        }
    });
    // One task that never ends: Tokio's budget for a task would make ready answers look as if they were not.
    runtime.block_on(tokio::task::unconstrained(checker.run()));
    Ok(())
}

fn read_commands(checkers: Vec<UnboundedSender<Command>>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Ok(command) = serde_json::from_str::<Command>(&line) {
            for checker in &checkers {
                let _ = checker.send(command.clone());
            }
        }
    }
    drop(checkers);
    // Whatever may hang then, a connection to a database that is cut off, say: nobody is left to end this process.
    std::thread::sleep(LONGEST_END);
    std::process::exit(1);
}

/// Writes a line. It is in the pipe when this returns, where a `kill -9` leaves it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .context("cannot report")
}
