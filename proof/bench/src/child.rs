//! Processes of the run. Each is this program in another role, told what to do by one line of JSON on its standard
//! input, and ended by the end of that input: whatever ends the parent, ends them.

use crate::cli::Role;
use anyhow::Context;
use clap::ValueEnum;
use jeton_proof_support::{Activity, Process, cpu_time, this_program};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(crate) struct Child {
    process: Process,
    said: Receiver<String>,
}

impl Child {
    /// Starts a process in a role, with the database as its `DATABASE_URL` and nothing else that is a setting.
    pub(crate) fn spawn(role: Role, database_url: &str, config: &impl Serialize) -> anyhow::Result<Self> {
        let name = role.to_possible_value().context("a role has a name")?;
        let mut command = this_program()?;
        command
            .args(["--role", name.get_name()])
            .env("DATABASE_URL", database_url);
        let (say, said) = channel();
        let process = Process::start(&mut command, move |line| {
            let _ = say.send(line);
        })?;
        process.tell(&serde_json::to_string(config)?);
        Ok(Self { process, said })
    }

    /// Waits for the next thing that the process has to say.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let line = self.said.recv();
        let line = line.context("a process of the run ended before its time")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// How long it has been computing; `None` where that cannot be told.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        cpu_time(&self.process.id().to_string())
    }

    /// What its threads have done so far; `None` where that cannot be told.
    pub(crate) fn activity(&self) -> Option<Activity> {
        Activity::of(&self.process.id().to_string())
    }
}
