use std::io;
use std::path::{Path, PathBuf};

/// Why a private Postgres could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Postgres server on this machine, or not where it was said to be.
    #[error(
        "the Postgres server programs (initdb, postgres) were not found in {searched}; install them \
         (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; \
         macOS: brew install postgresql@17) or set JETON_POSTGRES_BINDIR to the directory that holds them"
    )]
    ProgramsMissing {
        /// Where was looked.
        searched: String,
    },
    /// We are root, and there is nobody else to run the server as.
    #[error(
        "Postgres refuses to run as root, and this machine has no account `postgres` or `nobody` to run it as"
    )]
    NoAccount,
    /// Another server runs on the same data.
    #[error("a Postgres already runs on {} (process {pid}); stop that one first", directory.display())]
    AlreadyRunning {
        /// The directory given to [`LocalPostgres::at`](crate::LocalPostgres::at).
        directory: PathBuf,
        /// The other server's process id.
        pid: u32,
    },
    /// Taking it over would mean changing the owner and the mode of somebody's directory.
    #[error("{} is neither empty nor a directory of a private Postgres", directory.display())]
    NotEmpty {
        /// The directory in question.
        directory: PathBuf,
    },
    /// The data was made by another account, and this one may not use it.
    #[error("{} belongs to another account (uid {uid}); run as that account or as root, or use another directory", directory.display())]
    NotOurs {
        /// The directory in question.
        directory: PathBuf,
        /// Who owns it.
        uid: u32,
    },
    /// `initdb`, or making the database after it, failed.
    #[error("could not make a new Postgres data directory: {reason}")]
    Create {
        /// The last line the program wrote.
        reason: String,
    },
    /// The server ended while it was starting.
    #[error("Postgres did not start: {reason}")]
    Start {
        /// What its log says of it, and where the log is if it is still there.
        reason: String,
    },
    /// The server neither came up nor went away in time.
    #[error("Postgres did not {action} within {seconds} seconds (log: {})", log.display())]
    Timeout {
        /// What was asked of it.
        action: &'static str,
        /// How long was waited.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },
    /// `start` was called on a server that runs, or `stop` on one that does not.
    #[error("the Postgres is {0} already")]
    Already(&'static str),
    /// The port this server had before it was stopped belongs to somebody else now.
    #[error("port {0} was taken by another program while the Postgres was stopped")]
    PortTaken(u16),
    /// The operating system said no.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// The answer.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: names the path an operation was about, which [`io::Error`] does not.
    pub(crate) fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what: format!("cannot {what} {}", path.display()),
            source,
        }
    }
}
