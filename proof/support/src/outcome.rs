use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use crate::database::or_panic;

/// What became of a program that has ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// And to standard error.
    pub stderr: String,
}

/// Runs a program until its end, with this for its standard input.
pub fn run(command: &mut Command, input: &str) -> Outcome {
    or_panic("run a program", try_run(command, input))
}

/// As [`run`].
///
/// # Errors
/// It cannot be run, is ended by a signal, or writes what is no UTF-8.
pub fn try_run(command: &mut Command, input: &str) -> anyhow::Result<Outcome> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Not every program reads, and one that has ended cannot.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    Ok(Outcome {
        status: output.status.code().context("it was ended by a signal")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

impl Outcome {
    /// It went well; standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.stdout
    }

    /// It went well, and standard output is a JSON document.
    #[track_caller]
    pub fn json(self) -> Value {
        let stdout = self.ok();
        or_panic("read JSON", serde_json::from_str(&stdout).with_context(|| stdout))
    }

    /// It failed and said why, in one line, and nothing else.
    #[track_caller]
    pub fn error(self) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (1, ""), "{self:?}");
        self.error_line()
    }

    /// It said why it failed, in one line.
    #[track_caller]
    pub fn error_line(&self) -> String {
        let line = self
            .stderr
            .strip_prefix("error: ")
            .and_then(|line| line.strip_suffix('\n'));
        let line = line.filter(|line| !line.contains('\n'));
        line.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// All that it wrote.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The rest of the line of standard output that begins so.
    pub fn line(&self, begins: &str) -> &str {
        let mut rests = self.stdout.lines().filter_map(|line| line.strip_prefix(begins));
        rests
            .next()
            .unwrap_or_else(|| panic!("no line {begins:?} in:\n{}", self.text()))
    }
}
