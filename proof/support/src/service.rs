use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::database::or_panic;
use crate::output::Output;
use crate::process::{Paused, Process};
use crate::{Endpoint, this_program, without_settings};

/// Nothing here takes that long; it is what stands between a mistake and a test that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a service says when it is ready, followed by its address.
const LISTENING: &str = "listening on http://";
/// And of its metrics.
const METRICS: &str = "metrics on http://";

/// A service, running as a process of its own. Killed when dropped.
#[must_use]
pub struct ServiceProcess {
    process: Process,
    output: Output,
    endpoint: Endpoint,
}

/// A service that ended, or said nothing of an address, where it should have started.
#[derive(Debug)]
pub struct NotStarted {
    /// Its exit status, if it ended.
    pub status: Option<ExitStatus>,
    /// All that it wrote.
    pub logs: String,
}

impl ServiceProcess {
    /// Starts a program, and waits until it says `listening on http://ADDRESS`. Of our environment the program sees
    /// nothing that is a setting of Jeton's or Postgres'; `env` is all it is told, and to tell no metrics.
    pub fn start(program: impl AsRef<OsStr>, env: &[(&str, &str)]) -> Self {
        Self::try_start(program, env).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`start`](Self::start), for tests of services that must refuse to.
    ///
    /// # Errors
    /// [`NotStarted`]
    pub fn try_start(program: impl AsRef<OsStr>, env: &[(&str, &str)]) -> Result<Self, NotStarted> {
        Self::run(without_settings(program), env, |_| true)
    }

    /// As [`start`](Self::start), of a service that is no program of this package: the test of this name, which
    /// [`is_role`](crate::is_role), serves.
    pub fn start_role(test: &str, env: &[(&str, &str)]) -> Self {
        let mut command = or_panic("start a role", this_program());
        command
            .args([test, "--exact", "--nocapture"])
            .env(crate::environment::ROLE, test);
        Self::run(command, env, |_| true).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`try_start`](Self::try_start), of a program with arguments. Of what it writes, only these lines are kept, among
    /// which must be the one that tells the address.
    ///
    /// # Errors
    /// [`NotStarted`]
    pub fn run(
        mut command: Command,
        env: &[(&str, &str)],
        keep: fn(&str) -> bool,
    ) -> Result<Self, NotStarted> {
        // Tests run many services at a time: none takes the port that is everybody's default.
        command
            .env("JETON_METRICS_ADDR", "off")
            .envs(env.iter().copied())
            .stderr(Stdio::piped());
        let output = Output::default();
        let process = {
            let output = output.clone();
            Process::start(&mut command, move |line| {
                if keep(&line) {
                    output.push(line);
                }
            })
        };
        let process = or_panic("start a service", process);
        let ended = || process.status().is_some();
        match output.wait_for(PATIENCE, listening_at, ended) {
            Some(address) => Ok(Self {
                process,
                output,
                endpoint: Endpoint(address),
            }),
            None => {
                let status = process.status();
                process.kill();
                let logs = output.text();
                Err(NotStarted { status, logs })
            }
        }
    }

    /// Host and port of its metrics.
    pub fn metrics_address(&self) -> String {
        let line = self.wait_for_log(METRICS);
        address_after(METRICS, &line).unwrap_or_default()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// All that it has written so far and that is kept, standard output and standard error in one.
    pub fn logs(&self) -> String {
        self.output.text()
    }

    /// Waits for a line that contains `text`, written before or after the call, and returns it.
    pub fn wait_for_log(&self, text: &str) -> String {
        let found = |line: &str| line.contains(text).then(|| line.to_owned());
        self.output
            .wait_for(PATIENCE, found, || false)
            .unwrap_or_else(|| panic!("no line with {text:?} in:\n{}", self.logs()))
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub fn wait(self) -> ExitStatus {
        let status = self.process.wait(PATIENCE);
        status.unwrap_or_else(|| panic!("still running:\n{}", self.logs()))
    }

    /// Ends it without asking (SIGKILL), as a crash does.
    pub fn kill(self) {
        drop(self);
    }

    /// Freezes it (SIGSTOP) for as long as the value lives: its connections stay open, and nothing is answered.
    pub fn pause(&self) -> Paused {
        or_panic("pause a service", self.process.pause())
    }

    /// Sends a signal: `"TERM"`, `"INT"`.
    pub fn signal(&self, name: &str) {
        or_panic("tell a service", self.process.signal(name));
    }
}

impl Deref for ServiceProcess {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// Host and port that a service says it listens at, if that is what this line of its log says.
pub fn listening_at(line: &str) -> Option<String> {
    address_after(LISTENING, line)
}

/// In a line of either log format, which may go on after it.
fn address_after(words: &str, line: &str) -> Option<String> {
    let (_, rest) = line.split_once(words)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]-".contains(c)));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

impl fmt::Debug for ServiceProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceProcess")
            .field("id", &self.id())
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the service did not start ({status}):\n{}", self.logs),
            None => write!(f, "the service told no address:\n{}", self.logs),
        }
    }
}

impl std::error::Error for NotStarted {}

#[cfg(test)]
mod tests {
    use super::listening_at;

    #[test]
    fn finds_the_listening_at_both_log_formats() {
        for (line, address) in [
            ("INFO jeton: listening on http://127.0.0.1:8080", "127.0.0.1:8080"),
            (
                r#"{"message":"listening on http://[::1]:80","target":"x"}"#,
                "[::1]:80",
            ),
            ("listening on http://localhost:1/, 2 workers", "localhost:1"),
            (
                "\u{1b}[32m INFO\u{1b}[0m listening on http://0.0.0.0:1\u{1b}[0m",
                "0.0.0.0:1",
            ),
        ] {
            assert_eq!(listening_at(line).as_deref(), Some(address));
        }
        assert_eq!(listening_at("not listening yet"), None);
    }
}
