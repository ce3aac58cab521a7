//! Standard output is for what was asked for, standard error for everything else. Neither panics when its reader is
//! gone, as the macros of the standard library do. What others wrote, as the names of their tokens, is shown
//! [printable](jeton_domain::printable): a terminal obeys none of it.

use anyhow::Context;
use jeton_domain::printable::escape;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Nobody reads standard output any more.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl std::fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Writes a text to standard output as it is: one of the program's own, or of parts that are printable.
///
/// # Errors
/// [`ReaderGone`], or why it cannot be written.
pub(crate) fn write(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        other => other.context("cannot write to standard output"),
    }
}

/// Writes a line to standard output.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    write(&format!("{}\n", escape(text)))
}

/// Writes one JSON document to standard output.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    write(&format!("{}\n", to_json(document)?))
}

/// A JSON document on one line. Escaped, it is the same document.
pub(crate) fn to_json(document: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string(document).context("cannot write JSON")?;
    Ok(escape(&text).into_owned())
}

/// Writes a line to standard error. Where that cannot be written, there is nobody left to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escape(text));
}
