use crate::{LogSettings, unknown_settings};
use clap::error::ErrorKind;
use std::process::ExitCode;

/// Reads a program's settings from its flags and the environment. A bad one ends the program with one line on
/// standard error that names it; `--help` and `--version` end it as well.
#[expect(
    clippy::print_stderr,
    reason = "the log is not set up before the settings are known"
)]
pub fn parse_settings<T: clap::Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => {
            eprintln!("{}", one_line(&error.to_string()));
            std::process::exit(2)
        }
    })
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
#[expect(
    clippy::print_stderr,
    reason = "whoever started the program looks there, whatever the log's filter is"
)]
pub fn run(log: &LogSettings, service: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let result = log.install().and_then(|()| {
        unknown_settings::warn();
        actix_web::rt::System::new().block_on(service)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
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
