use anyhow::Context;
use jeton_proof_support::without_settings;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// How long a process may take to end by itself.
const END: Duration = Duration::from_secs(8);

/// A process of this program's, killed with this value. Should the driver be killed instead, its standard input ends,
/// and so does the process.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

/// What a process is to be told at its start.
pub(crate) struct Start<'a> {
    pub(crate) name: &'a str,
    pub(crate) subcommand: &'static str,
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) logs: Option<&'a PathBuf>,
}

impl Process {
    /// Starts this program once more. `line` gets each line of its standard output.
    pub(crate) fn start(
        start: Start<'_>,
        mut line: impl FnMut(String) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let stderr = match start.logs {
            Some(directory) => std::fs::File::create(directory.join(format!("{}.err", start.name)))?.into(),
            None => Stdio::null(),
        };
        let mut command = this_program()?;
        let mut child = command
            .arg(start.subcommand)
            .envs(start.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {}", start.name))?;
        let mut lines = BufReader::new(stdout(&mut child)?).lines();
        let reader = tokio::spawn(async move {
            while let Ok(Some(text)) = lines.next_line().await {
                line(text);
            }
        });
        Ok(Self {
            id: child.id().context("it has ended already")?,
            input: Mutex::new(child.stdin.take()),
            child: Mutex::new(child),
            reader: Mutex::new(Some(reader)),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Writes to its standard input; takes as long as a process that is stopped takes to read.
    pub(crate) async fn write(&self, text: &str) {
        if let Some(input) = self.input.lock().await.as_mut() {
            // A process that is gone needs to know nothing.
            let _ = input.write_all(text.as_bytes()).await;
        }
    }

    /// Ends its standard input, which is how it is asked to end, and waits; returns when all it said has been read.
    pub(crate) async fn end(&self) {
        drop(self.input.lock().await.take());
        let waited = tokio::time::timeout(END, self.child.lock().await.wait()).await;
        if waited.is_err() {
            self.kill().await;
        }
        self.read_to_the_end().await;
    }

    /// `kill -9`; returns when all it said has been read.
    pub(crate) async fn kill(&self) {
        let _ = self.child.lock().await.kill().await;
        self.read_to_the_end().await;
    }

    async fn read_to_the_end(&self) {
        if let Some(reader) = self.reader.lock().await.take() {
            let _ = reader.await;
        }
    }

    /// Stops it (SIGSTOP) until [`Paused::resume`], or until the driver ends in any way.
    pub(crate) async fn pause(&self) -> anyhow::Result<Paused> {
        let mut shell = Command::new("/bin/sh")
            .args([
                "-c",
                r#"kill -s STOP "$0" && echo stopped; read -r _; kill -s CONT "$0""#,
            ])
            .arg(self.id.to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell")?;
        let said = BufReader::new(stdout(&mut shell)?).lines().next_line().await?;
        anyhow::ensure!(said.is_some(), "cannot stop process {}", self.id);
        Ok(Paused(shell))
    }
}

/// A process that is stopped.
#[derive(Debug)]
pub(crate) struct Paused(Child);

impl Paused {
    /// Lets it go on (SIGCONT).
    pub(crate) async fn resume(mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait().await;
    }
}

/// This program, with nothing in its environment that is a setting of Jeton's or Postgres'. In a group of its own, so
/// that Ctrl-C reaches the driver alone.
pub(crate) fn this_program() -> anyhow::Result<Command> {
    let own = std::env::current_exe().context("where are we?")?;
    let mut command = Command::from(without_settings(own));
    #[cfg(feature = "negative-controls")]
    command.args(crate::negative::arguments());
    command.process_group(0).kill_on_drop(true);
    Ok(command)
}

fn stdout(child: &mut Child) -> anyhow::Result<ChildStdout> {
    child.stdout.take().context("no standard output")
}
