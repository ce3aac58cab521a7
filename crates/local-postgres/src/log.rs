use std::fs;
use std::path::{Path, PathBuf};

/// Enough for months of development.
const LONG: u64 = 8 * 1024 * 1024;

/// What the servers on one data directory wrote. They append: one that is refused because another runs must not
/// disturb the other's file.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Where the present run begins.
    from: u64,
}

/// Why a server did not start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    AlreadyRunning,
    PortTaken,
    /// In the server's words.
    Other(String),
}

impl Log {
    pub(crate) fn new(home: &Path) -> Self {
        let path = home.join("log");
        if path.metadata().is_ok_and(|found| found.len() > LONG) {
            // Worth no failure: the log is merely long.
            let _ = fs::rename(&path, home.join("log.old"));
        }
        Self { path, from: 0 }
    }

    pub(crate) fn begin_run(&mut self) {
        self.from = self.path.metadata().map_or(0, |found| found.len());
    }

    pub(crate) fn failure(&self) -> Failure {
        let text = fs::read(&self.path).unwrap_or_default();
        let from = usize::try_from(self.from).unwrap_or_default();
        explain(&String::from_utf8_lossy(text.get(from..).unwrap_or(&text)))
    }
}

fn explain(text: &str) -> Failure {
    if text.contains("lock file \"postmaster.pid\" already exists") {
        return Failure::AlreadyRunning;
    }
    let telling = |line: &&str| line.contains("FATAL") || line.contains("PANIC");
    let reason = text.lines().rfind(telling).or(text.lines().last());
    match reason.unwrap_or("it said nothing") {
        // Of all that can go wrong, only this is about a socket.
        line if line.contains("could not create any TCP/IP sockets") => Failure::PortTaken,
        line => Failure::Other(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_the_servers_last_word_about_it() {
        let text = "LOG:  starting\nFATAL:  could not map anonymous shared memory\nLOG:  shut down\n";
        assert_eq!(
            explain(text),
            Failure::Other("FATAL:  could not map anonymous shared memory".to_owned())
        );
        assert_eq!(
            explain("postgres: not found"),
            Failure::Other("postgres: not found".to_owned())
        );
        assert_eq!(
            explain("FATAL:  could not create any TCP/IP sockets"),
            Failure::PortTaken
        );
    }

    #[test]
    fn earlier_runs_do_not_explain_this_one() {
        let home = tempfile::tempdir().unwrap();
        let mut log = Log::new(home.path());
        fs::write(&log.path, "FATAL:  of yesterday\n").unwrap();
        log.begin_run();
        assert_eq!(log.failure(), Failure::Other("it said nothing".to_owned()));
    }
}
