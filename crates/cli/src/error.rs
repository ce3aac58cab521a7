use crate::output::ReaderGone;
use std::process::ExitCode;

/// The arguments were well-formed and do not make sense all the same. The message is one line; it must not quote what
/// may be a secret.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) &'static str);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UsageError {}

/// The command has said what it was asked for, and that ends with this status.
#[derive(Debug)]
pub(crate) struct Status(pub(crate) u8);

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}", self.0)
    }
}

impl std::error::Error for Status {}

/// Why nothing can be said of what was to be looked at: its context.
#[derive(Debug)]
pub(crate) struct CouldNotLook;

impl std::fmt::Display for CouldNotLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("could not look")
    }
}

/// Says why a command failed, and with what it ends.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever was reading has read enough (`jeton user list | head`): nothing has failed.
    if error.is::<ReaderGone>() {
        return ExitCode::SUCCESS;
    }
    if let Some(Status(status)) = error.downcast_ref() {
        return ExitCode::from(*status);
    }
    crate::output::note(&format!("error: {}", one_line(error)));
    let is_2 = error.is::<UsageError>() || error.is::<CouldNotLook>();
    ExitCode::from(if is_2 { 2 } else { 1 })
}

/// The error and its causes. A cause that the error before it has already quoted is not said again, and what Postgres
/// spreads over several lines is brought onto one.
fn one_line(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let lines = cause.to_string();
        let text: Vec<&str> = lines.split_whitespace().collect();
        let text = text.join(" ");
        if parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::one_line;
    use anyhow::{Context, anyhow};

    #[test]
    fn an_error_says_everything_once_on_one_line() {
        let error = Err::<(), _>(anyhow!("refused\n\tIs the server running?\n"))
            .context("query failed: refused Is the server running?")
            .context("cannot list")
            .unwrap_err();
        assert_eq!(
            one_line(&error),
            "cannot list: query failed: refused Is the server running?"
        );
    }
}
