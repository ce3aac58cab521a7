//! `jeton-local-postgres`: runs a command with a Postgres of its own. See the library's documentation.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, channel};

use anyhow::Context;
use clap::Parser;
use jeton_local_postgres::{LocalPostgres, process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// As `env` and `timeout` use them: the failure was ours; the command cannot be run; there is no such command.
const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Run a command with a Postgres of its own, which it finds in DATABASE_URL.
///
/// The Postgres ends when the command has ended, or when this program ends in any way. The server programs are
/// looked for in JETON_POSTGRES_BINDIR, else where this kind of machine keeps them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Keep the data in this directory, and use what is there [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write `export DATABASE_URL=…` to this file while the Postgres runs.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::from(FAILED)
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Before there is anything to clean up.
    let events = events()?;
    let postgres = match &arguments.data {
        None => LocalPostgres::temporary()?,
        Some(wanted) => {
            let postgres = LocalPostgres::at(wanted)?;
            if wanted.canonicalize().ok().as_deref() != Some(postgres.directory()) {
                let (wanted, found) = (wanted.display(), postgres.directory().display());
                complain(&format!(
                    "{wanted} is out of the server's reach, its data is in {found}"
                ));
            }
            postgres
        }
    };
    let env_file = arguments.env_file.as_deref();
    if let Some(path) = env_file {
        write_env(path, &postgres.url()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let status = command(arguments, &postgres, &events);
    if let Some(path) = env_file {
        // It would tell of a server that is not there.
        let _ = std::fs::remove_file(path);
    }
    drop(postgres);
    status
}

fn command(arguments: &Arguments, postgres: &LocalPostgres, events: &Events) -> anyhow::Result<ExitCode> {
    let [program, rest @ ..] = arguments.command.as_slice() else {
        anyhow::bail!("no command");
    };
    if let Ok(Event::Signal(signal)) = events.receiver.try_recv() {
        return Ok(killed_by(signal));
    }
    let spawned = Command::new(program)
        .args(rest)
        .env("DATABASE_URL", postgres.url())
        .spawn();
    match spawned {
        Ok(child) => events.follow(child),
        Err(error) => {
            complain(&format!("cannot run {}: {error}", program.display()));
            Ok(ExitCode::from(match error.kind() {
                ErrorKind::NotFound => NOT_FOUND,
                _ => CANNOT_RUN,
            }))
        }
    }
}

enum Event {
    Signal(i32),
    Ended(std::io::Result<ExitStatus>),
}

struct Events {
    sender: std::sync::mpsc::Sender<Event>,
    receiver: Receiver<Event>,
}

/// Takes the signals that would end us, since the command has to end first.
fn events() -> anyhow::Result<Events> {
    let (sender, receiver) = channel();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let signalled = sender.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signalled.send(Event::Signal(signal)).is_err() {
                break;
            }
        }
    });
    Ok(Events { sender, receiver })
}

impl Events {
    fn follow(&self, mut child: Child) -> anyhow::Result<ExitCode> {
        let pid = child.id();
        let ended = self.sender.clone();
        std::thread::spawn(move || ended.send(Event::Ended(child.wait())));
        loop {
            match self.receiver.recv()? {
                Event::Signal(SIGHUP) => process::signal("HUP", &[pid])?,
                Event::Signal(SIGTERM) => process::signal("TERM", &[pid])?,
                // Typed at the terminal, the other two have reached the command without our help.
                Event::Signal(_) => {}
                Event::Ended(status) => return Ok(exit_code(status?)),
            }
        }
    }
}

/// A command ended by a signal is told as the shells tell it.
fn exit_code(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(FAILED)),
        (None, signal) => killed_by(signal.unwrap_or_default()),
    }
}

fn killed_by(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(FAILED))
}

fn write_env(path: &Path, url: &str) -> std::io::Result<()> {
    // An older file may have a wider mode, which opening it would keep.
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "export DATABASE_URL='{url}'")
}

fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "jeton-local-postgres: {message}");
}
