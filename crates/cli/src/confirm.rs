//! What is done for good is asked about before.

use crate::error::UsageError;
use crate::output;
use anyhow::Context;
use jeton_domain::printable::escape;
use std::io::{IsTerminal, Write};

/// What is said where the answer was another than yes.
pub(crate) const NOT_CONFIRMED: &str = "not confirmed; nothing was deleted";

#[derive(clap::Args)]
pub(crate) struct Confirmation {
    /// Do not ask; needed where standard input is not a terminal
    #[arg(long)]
    yes: bool,
}

impl Confirmation {
    /// Refuses where nobody can be asked.
    pub(crate) fn check(&self) -> Result<(), UsageError> {
        if self.yes || std::io::stdin().is_terminal() {
            Ok(())
        } else {
            Err(UsageError(
                "there is no terminal to ask on; say --yes to delete without being asked",
            ))
        }
    }

    /// Whether it is to be done.
    pub(crate) fn given(&self, question: &str) -> anyhow::Result<bool> {
        Ok(self.yes || ask(question)?)
    }
}

fn ask(question: &str) -> anyhow::Result<bool> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{} [y/N] ", escape(question))
        .and_then(|()| stderr.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    if !answer.ends_with('\n') {
        // What is said next is to stand on a line of its own.
        output::note("");
    }
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
