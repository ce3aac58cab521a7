//! Standard output is for what was asked for, standard error for everything else. Neither panics when its reader is
//! gone, as the macros of the standard library do. What others wrote, as the names of their tokens, is shown
//! [printable](jeton_domain::printable): a terminal obeys none of it.

use anyhow::{Context, ensure};
use jeton_domain::printable::escape;
use serde::Serialize;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// Nobody reads standard output any more.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl std::fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Standard output by a descriptor of its own: the standard library takes whatever is written to one that is closed for
/// written.
fn stdout() -> anyhow::Result<File> {
    let owned = std::io::stdout().as_fd().try_clone_to_owned();
    Ok(owned.context("cannot write to standard output")?.into())
}

/// Whoever is about to make a secret that is told this once sees to it first that there is somewhere to tell it: where standard
/// output was closed (`>&-`), the standard library has opened `/dev/null` in its place, for reading as well, which nobody else
/// does who has output thrown away.
///
/// # Errors
/// There is nowhere.
pub(crate) fn must_be_open() -> anyhow::Result<()> {
    let stdout = stdout()?;
    let device = |metadata: std::io::Result<Metadata>| metadata.ok().map(|of| (of.file_type(), of.rdev()));
    let is_null = device(stdout.metadata()) == device(std::fs::metadata("/dev/null"));
    ensure!(
        !is_null || (&stdout).read(&mut [0]).is_err(),
        "standard output is closed, and nobody would be told the secret"
    );
    Ok(())
}

/// Writes a text to standard output as it is: one of the program's own, or of parts that are printable.
///
/// # Errors
/// [`ReaderGone`], or why it cannot be written.
pub(crate) fn write(text: &str) -> anyhow::Result<()> {
    match stdout()?.write_all(text.as_bytes()) {
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
