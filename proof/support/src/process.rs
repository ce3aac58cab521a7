use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use jeton_local_postgres::process;

/// A process that we have started. Killed with this value; and should we be killed ourselves, its standard input ends.
#[derive(Debug)]
#[must_use]
pub struct Process {
    id: u32,
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

impl Process {
    /// Starts a process. `line` gets each line of its standard output, and of its standard error if that is piped, too.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn start(command: &mut Command, line: impl FnMut(String) + Send + 'static) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let line = Arc::new(Mutex::new(line));
        let stdout = child.stdout.take().map(|stream| read(stream, line.clone()));
        let stderr = child.stderr.take().map(|stream| read(stream, line));
        Ok(Self {
            id: child.id(),
            input: Mutex::new(child.stdin.take()),
            child: Mutex::new(child),
            readers: Mutex::new(stdout.into_iter().chain(stderr).collect()),
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Writes a line to its standard input; takes as long as the process takes to read. One that is gone needs to know
    /// nothing.
    pub fn tell(&self, line: &str) {
        if let Some(input) = lock(&self.input).as_mut() {
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// How it has ended, if it has.
    pub fn status(&self) -> Option<ExitStatus> {
        lock(&self.child).try_wait().ok().flatten()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.status() {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                status => return status,
            }
        }
    }

    /// Ends its standard input, which is how a role is told to end, and kills it when it has not ended by then; returns when
    /// all that it said has been read.
    pub fn end(&self, patience: Duration) {
        lock(&self.input).take();
        self.wait(patience);
        self.kill();
    }

    /// Ends it without asking (SIGKILL), as a crash does; returns when all that it said has been read.
    pub fn kill(&self) {
        let mut child = lock(&self.child);
        let _ = child.kill().and_then(|()| child.wait());
        for reader in lock(&self.readers).drain(..) {
            let _ = reader.join();
        }
    }

    /// Sends a signal: `"TERM"`, `"INT"`.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        process::signal(name, &[self.id]).with_context(|| format!("cannot send SIG{name}"))
    }

    /// Freezes it (SIGSTOP), until the value that is returned is dropped, or this process ends in any way.
    ///
    /// # Errors
    /// It cannot be frozen.
    pub fn pause(&self) -> anyhow::Result<Paused> {
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
        let mut said = String::new();
        let stdout = shell.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut said)?;
        anyhow::ensure!(!said.is_empty(), "cannot stop process {}", self.id);
        Ok(Paused(shell))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _ = child.kill().and_then(|()| child.wait());
    }
}

/// A process that is frozen, for as long as this value lives.
#[derive(Debug)]
#[must_use]
pub struct Paused(Child);

impl Drop for Paused {
    /// Lets it go on (SIGCONT), and returns when it does.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn read(
    stream: impl Read + Send + 'static,
    line: Arc<Mutex<impl FnMut(String) + Send + 'static>>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        while stream.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            lock(&line)(text);
            bytes.clear();
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
