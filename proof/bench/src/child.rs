//! Processes of the run. Each is this program in another role, told what to do by one line of JSON on its standard
//! input, and ended by the end of that input: whatever ends the parent, ends them.

use crate::cli::Role;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Write};
use std::process::{self, ChildStdout, Command, Stdio};
use std::time::Duration;

pub(crate) struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a process in a role, with the database as its `DATABASE_URL` and nothing else that is a setting.
    pub(crate) fn spawn(role: Role, database_url: &str, config: &impl Serialize) -> anyhow::Result<Self> {
        let name = role.to_possible_value().context("a role has a name")?;
        let mut command = Command::new(std::env::current_exe()?);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("JETON_") {
                command.env_remove(variable);
            }
        }
        let mut process = command
            .args(["--role", name.get_name()])
            .env("DATABASE_URL", database_url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("no standard output")?;
        let child = Self {
            process,
            output: BufReader::new(output),
        };
        let mut line = serde_json::to_vec(config)?;
        line.push(b'\n');
        let mut input = child.process.stdin.as_ref().context("no standard input")?;
        input.write_all(&line)?;
        Ok(child)
    }

    /// Waits for the next thing that the process has to say.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "a process of the run ended before its time");
        Ok(serde_json::from_str(&line)?)
    }

    /// How long it has been computing; `None` where that cannot be told.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        cpu_time(&self.process.id().to_string())
    }
}

/// How long a process, or `self`, has been computing, in user and kernel mode; `None` where there is no `/proc`.
pub(crate) fn cpu_time(process: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name, in parentheses, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let total = ticks()? + ticks()?;
    // A hundred a second, as far as programs are told (Linux, proc(5), USER_HZ).
    Some(Duration::from_millis(total * 10))
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
