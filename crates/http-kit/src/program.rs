use crate::log_writer::{self, complain};
use crate::{LogSettings, describe_settings, unknown_settings};
use actix_web::rt::signal::unix::{SignalKind, signal};
use anyhow::Context;
use clap::error::ErrorKind;
use rustix::process::Signal;
use std::ffi::OsString;
use std::process::ExitCode;

/// Reads a program's settings from its flags and the environment. A bad one ends the program with one line on
/// standard error that names it; `--help` and `--version` end it as well.
pub fn parse_settings<T: clap::Parser>() -> T {
    try_parse_from(std::env::args_os()).unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => {
            // The log is not set up before the settings are known.
            complain(one_line(&error.to_string()));
            std::process::exit(2)
        }
    })
}

/// Reads arguments, the program's name first, with help and errors as [`describe_settings`] completes them.
///
/// # Errors
/// They cannot be understood, or the text is asked for that `--help` or `--version` gives.
pub fn try_parse_from<T: clap::Parser>(args: impl IntoIterator<Item = OsString>) -> Result<T, clap::Error> {
    let mut matches = describe_settings(T::command()).try_get_matches_from(args)?;
    T::from_arg_matches_mut(&mut matches)
}

/// The part of clap's message before the first empty line, on one line: after it comes advice on usage.
fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The whole of a service's `main`: sets the log up, runs the service to its end, and says in one line why it could
/// not.
pub fn run(log: &LogSettings, service: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    // Whatever becomes of the service, a panic included.
    let _flush = FlushAtEnd;
    let system = actix_web::rt::System::new();
    let outlived = system.block_on(async { outlive_a_file_that_is_full() });
    let installed = outlived.and_then(|()| log.install());
    let ended = installed.context("cannot start the log").and_then(|()| {
        unknown_settings::warn();
        system.block_on(service)
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started the program looks there, whatever the log's filter is.
            complain(format!("error: {}", one_line(&format!("{error:#}"))));
            log_writer::flush();
            // Not by returning: that waits for threads that block, on a database that does not answer, say.
            std::process::exit(1)
        }
    }
}

/// Where the log is a file that has come to its limit (`ulimit -f`, systemd's `LimitFSIZE=`), writing fails from now on, as on a
/// full disk: SIGXFSZ would end the program.
fn outlive_a_file_that_is_full() -> std::io::Result<()> {
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

struct FlushAtEnd;

impl Drop for FlushAtEnd {
    fn drop(&mut self) {
        log_writer::flush();
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn usage_advice_is_left_out() {
        let message = "error: the following required arguments were not provided:\n  --x <X>\n\nUsage: y\n";
        assert_eq!(
            one_line(message),
            "error: the following required arguments were not provided: --x <X>"
        );
    }
}
