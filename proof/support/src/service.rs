use std::ffi::OsStr;
use std::fmt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use jeton_local_postgres::process;

use crate::output::Output;

/// Nothing here takes that long; it is what stands between a mistake and a test that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a service says when it is ready, followed by its address.
const LISTENING: &str = "listening on http://";

/// A service of the workspace, running as a process of its own. Killed when dropped.
pub struct ServiceProcess {
    child: Child,
    output: Output,
    address: String,
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
    ///
    /// # Panics
    /// When it does not start, with what it wrote.
    #[must_use]
    pub fn start(program: impl AsRef<OsStr>, env: &[(&str, &str)]) -> Self {
        Self::try_start(program, env).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`start`](Self::start), for tests of services that must refuse to.
    ///
    /// # Errors
    /// [`NotStarted`]
    ///
    /// # Panics
    /// When the program cannot be run at all.
    pub fn try_start(program: impl AsRef<OsStr>, env: &[(&str, &str)]) -> Result<Self, NotStarted> {
        Self::try_start_keeping(program, env, |_| true)
    }

    /// As [`try_start`](Self::try_start), for services that run for long: of what they write, only these lines are kept.
    /// The line that tells the address must be among them.
    ///
    /// # Errors
    /// [`NotStarted`]
    ///
    /// # Panics
    /// When the program cannot be run at all.
    pub fn try_start_keeping(
        program: impl AsRef<OsStr>,
        env: &[(&str, &str)],
        keep: fn(&str) -> bool,
    ) -> Result<Self, NotStarted> {
        // Tests run many services at a time: none takes the port that is everybody's default.
        let mut child = without_settings(program.as_ref())
            .env("JETON_METRICS_ADDR", "off")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.as_ref().display()));
        let output = Output::keeping(keep);
        output.collect(child.stdout.take());
        output.collect(child.stderr.take());
        let mut service = Self {
            child,
            output,
            address: String::new(),
        };
        let child = &mut service.child;
        let ended = || child.try_wait().is_ok_and(|status| status.is_some());
        match service.output.wait_for(PATIENCE, address_in, ended) {
            Some(address) => {
                service.address = address;
                Ok(service)
            }
            None => Err(NotStarted {
                status: service.child.try_wait().ok().flatten(),
                logs: service.logs(),
            }),
        }
    }

    /// `http://` and the address, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port, for [`raw`](crate::raw()).
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has written so far and that is kept, standard output and standard error in one.
    #[must_use]
    pub fn logs(&self) -> String {
        self.output.text()
    }

    /// Waits for a line that contains `text`, written before or after the call, and returns it.
    ///
    /// # Panics
    /// When there is none within a minute.
    pub fn wait_for_log(&self, text: &str) -> String {
        let found = |line: &str| line.contains(text).then(|| line.to_owned());
        self.output
            .wait_for(PATIENCE, found, || false)
            .unwrap_or_else(|| panic!("no line with {text:?} in:\n{}", self.logs()))
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// When it has not within a minute.
    pub fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it has not within a minute.
    #[must_use]
    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it without asking (SIGKILL), as a crash does.
    pub fn kill(self) {
        drop(self);
    }

    /// Freezes it (SIGSTOP): its connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends a signal: `"TERM"`, `"INT"`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) {
        if let Err(error) = process::signal(name, &[self.child.id()]) {
            panic!("cannot send SIG{name}: {error}");
        }
    }
}

/// A program that is to see nothing of our environment that is a setting of Jeton's or Postgres'.
pub fn without_settings(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("JETON_") || text.starts_with("PG") || text.starts_with("DATABASE_URL") {
            command.env_remove(name);
        }
    }
    command
}

/// The address in a line of either log format, which may go on after it.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(LISTENING)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]-".contains(c)));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Debug for ServiceProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceProcess")
            .field("id", &self.id())
            .field("address", &self.address)
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
    use super::address_in;

    #[test]
    fn finds_the_address_in_both_log_formats() {
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
            assert_eq!(address_in(line).as_deref(), Some(address));
        }
        assert_eq!(address_in("not listening yet"), None);
    }
}
