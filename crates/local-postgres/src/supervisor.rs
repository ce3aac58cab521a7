use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::Error;
use crate::account::Account;

/// What a supervisor needs to know before there is a server.
pub(crate) struct Spec<'a> {
    pub(crate) account: Account,
    pub(crate) log: &'a Path,
    /// Removed when all is over.
    pub(crate) remove: Option<&'a Path>,
    /// The server and its arguments, all but the port.
    pub(crate) server: &'a Command,
}

/// The shell process that is the server's parent and our survivor; see `supervisor.sh`.
pub(crate) struct Supervisor {
    process: Child,
    commands: Option<ChildStdin>,
    replies: Receiver<Reply>,
    log: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Started(u32),
    Exited,
}

impl Supervisor {
    pub(crate) fn spawn(spec: &Spec<'_>) -> Result<Self, Error> {
        let at_end = if spec.remove.is_some() { "USR2" } else { "USR1" };
        let mut process = spec
            .account
            .command(Path::new("/bin/sh"))
            // By way of the environment, so that a list of processes stays readable.
            .args(["-c", r#"eval "$SUPERVISOR""#, "jeton-local-postgres"])
            .env("SUPERVISOR", include_str!("supervisor.sh"))
            .arg(spec.log)
            .arg(at_end)
            .arg(spec.remove.unwrap_or(Path::new("")))
            .arg(spec.server.get_program())
            .args(spec.server.get_args())
            // Ctrl-C goes to the terminal's group of processes, and the server must outlive its clients.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever waits for the end of our own output would wait for the supervisor, too.
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::at("start the supervisor of", spec.log))?;
        let commands = process.stdin.take();
        let replies = process.stdout.take().map(listen);
        let (_, silence) = channel();
        Ok(Self {
            process,
            commands,
            replies: replies.unwrap_or(silence),
            log: spec.log.to_owned(),
        })
    }

    pub(crate) fn tell(&mut self, command: &str) -> Result<(), Error> {
        let Some(pipe) = self.commands.as_mut() else {
            return Ok(());
        };
        writeln!(pipe, "{command}").map_err(Error::at("reach the supervisor of", &self.log))
    }

    /// The next reply, or `None` if there is none within `patience`.
    pub(crate) fn reply(&self, patience: Duration) -> Option<Reply> {
        match self.replies.recv_timeout(patience) {
            Ok(reply) => Some(reply),
            Err(RecvTimeoutError::Timeout) => None,
            // Somebody killed the supervisor. What became of the server is for Postgres' own lock to say.
            Err(RecvTimeoutError::Disconnected) => Some(Reply::Exited),
        }
    }

    /// Hangs up, which is what stops the server and removes its directory, and waits for that.
    pub(crate) fn end(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}

fn listen(replies: ChildStdout) -> Receiver<Reply> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(replies).lines().map_while(Result::ok) {
            let reply = match line.split_once(' ') {
                Some(("started", pid)) => pid.parse().ok().map(Reply::Started),
                Some(("exited", _)) => Some(Reply::Exited),
                _ => None,
            };
            if reply.is_some_and(|reply| sender.send(reply).is_err()) {
                break;
            }
        }
    });
    receiver
}
