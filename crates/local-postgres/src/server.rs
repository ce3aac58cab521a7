use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::log::{Failure, Log};
use crate::supervisor::{Reply, Spec, Supervisor};
use crate::{Error, Programs, port, process};

/// Generous, since a crash of the machine may have left much to recover.
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// A Postgres server that is ours alone and ends with us.
///
/// All methods take `&self`, so that one server can be shared by the threads of a test.
pub struct LocalPostgres {
    cluster: Cluster,
    port: u16,
    password: String,
    temporary: bool,
    control: Mutex<Control>,
}

struct Control {
    supervisor: Supervisor,
    log: Log,
    running: Option<u32>,
    paused: bool,
}

impl LocalPostgres {
    /// A server with nothing to lose: in a temporary directory, without fsync, gone without a trace at the end.
    ///
    /// # Errors
    /// When the programs are missing, or did not do what they were asked to.
    pub fn temporary() -> Result<Self, Error> {
        let cluster = Cluster::temporary(Programs::find(None)?)?;
        let home = cluster.home.clone();
        Self::launch(cluster, true).inspect_err(|_| drop(std::fs::remove_dir_all(home)))
    }

    /// A temporary server that follows this one, as a standby that takes connections which only read. Whether commits wait
    /// for it is up to the settings of this one.
    ///
    /// # Errors
    /// As for [`LocalPostgres::temporary`], also where the program `pg_basebackup` is missing.
    pub fn standby(&self) -> Result<Self, Error> {
        let cluster = Cluster::temporary(self.cluster.programs.clone())?;
        let home = cluster.home.clone();
        cluster
            .password_or(&self.password)
            .and_then(|password| cluster.copy_from(self.port, &password))
            .and_then(|()| Self::launch(cluster, true))
            .inspect_err(|_| drop(std::fs::remove_dir_all(home)))
    }

    /// Gives the data of this server up, which is down, and starts it as a standby of another one.
    ///
    /// # Errors
    /// When it is running, or the other one cannot be copied.
    pub fn follow(&self, other: &Self) -> Result<(), Error> {
        if self.lock().running.is_some() {
            return Err(Error::Already("running"));
        }
        self.cluster.copy_from(other.port, &other.password)?;
        self.start()
    }

    /// Makes a standby a server of its own; returns when it accepts writes.
    ///
    /// # Errors
    /// When it is none, or the program `pg_ctl` is missing.
    pub fn promote(&self) -> Result<(), Error> {
        self.cluster.promote()
    }

    /// A durable server on the data in `directory`, which is made the first time.
    ///
    /// # Errors
    /// As for [`LocalPostgres::temporary`], and [`Error::AlreadyRunning`].
    pub fn at(directory: &Path) -> Result<Self, Error> {
        let cluster = Cluster::at(directory, Programs::find(None)?)?;
        cluster.wait_until_unused()?;
        Self::launch(cluster, false)
    }

    fn launch(cluster: Cluster, temporary: bool) -> Result<Self, Error> {
        let password = cluster.password()?;
        cluster.initialise(!temporary)?;
        let log = Log::new(&cluster.home);
        let supervisor = Supervisor::spawn(&Spec {
            account: cluster.account,
            log: &log.path,
            remove: temporary.then_some(&cluster.home),
            server: &cluster.server(temporary),
        })?;
        let mut server = Self {
            port: cluster.remembered_port(),
            cluster,
            password,
            temporary,
            control: Mutex::new(Control {
                supervisor,
                log,
                running: None,
                paused: false,
            }),
        };
        server.start_somewhere()?;
        Ok(server)
    }

    /// On the remembered port, or on another one if that is taken.
    fn start_somewhere(&mut self) -> Result<(), Error> {
        for _ in 0..10 {
            if !port::is_free(self.port) {
                self.port = port::pick();
            }
            match self.try_start(&mut self.lock()) {
                Ok(()) => return self.cluster.remember_port(self.port),
                Err(Error::PortTaken(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::PortTaken(self.port))
    }

    /// The address of the database `jeton`, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for("jeton")
    }

    /// The address of another database on this server, whether it exists or not.
    #[must_use]
    pub fn url_for(&self, database: &str) -> String {
        format!(
            "postgres://jeton:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// The port on 127.0.0.1; the same for as long as this value lives.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the data, the password and the log are: not always the directory that was asked for.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.cluster.home
    }

    /// Starts the server again after [`stop`](Self::stop) or [`crash`](Self::crash); returns when it takes connections.
    ///
    /// # Errors
    /// [`Error::PortTaken`] if another program listens on the port by now.
    pub fn start(&self) -> Result<(), Error> {
        let mut control = self.lock();
        if control.running.is_some() {
            return Err(Error::Already("running"));
        }
        self.try_start(&mut control)
    }

    /// Stops the server in order (a "fast" shutdown: sessions are ended, data is flushed); returns when it is down.
    ///
    /// # Errors
    /// When it is not running, or does not stop.
    pub fn stop(&self) -> Result<(), Error> {
        self.end("fast")
    }

    /// Stops the server dead (an "immediate" shutdown): connections break, and the next start recovers from the log.
    ///
    /// # Errors
    /// When it is not running, or does not stop.
    pub fn crash(&self) -> Result<(), Error> {
        self.end("immediate")
    }

    /// Kills the server and the processes of its sessions (SIGKILL), as the end of a machine does: no client is told.
    ///
    /// # Errors
    /// When it is not running, or the program `ps` is missing.
    pub fn kill(&self) -> Result<(), Error> {
        let mut control = self.lock();
        let Some(pid) = control.running else {
            return Err(Error::Already("stopped"));
        };
        // Frozen, it has no new sessions.
        process::signal("STOP", &[pid])
            .and_then(|()| process::children(pid))
            .and_then(|sessions| process::signal("KILL", &[&[pid], &*sessions].concat()))
            .map_err(Error::at("kill", &self.cluster.home))?;
        control.paused = false;
        control.wait_for_end()
    }

    /// Freezes the server and the processes of its sessions: connections stay open, and nothing is answered.
    ///
    /// # Errors
    /// When the program `ps` is missing.
    pub fn pause(&self) -> Result<(), Error> {
        let mut control = self.lock();
        if let Some(pid) = control.running {
            let failed = Error::at("pause", &self.cluster.home);
            control.paused = true;
            // The server itself first: afterwards there are no new sessions.
            process::signal("STOP", &[pid])
                .and_then(|()| process::children(pid))
                .and_then(|sessions| process::signal("STOP", &sessions))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Ends a [`pause`](Self::pause).
    ///
    /// # Errors
    /// When the program `ps` is missing.
    pub fn resume(&self) -> Result<(), Error> {
        self.wake(&mut self.lock())
    }

    fn wake(&self, control: &mut Control) -> Result<(), Error> {
        let Some(pid) = control.running.filter(|_| control.paused) else {
            return Ok(());
        };
        control.paused = false;
        process::children(pid)
            .and_then(|sessions| process::signal("CONT", &sessions))
            .and_then(|()| process::signal("CONT", &[pid]))
            .map_err(Error::at("resume", &self.cluster.home))
    }

    fn end(&self, how: &str) -> Result<(), Error> {
        let mut control = self.lock();
        if control.running.is_none() {
            return Err(Error::Already("stopped"));
        }
        self.wake(&mut control)?;
        control.supervisor.tell(how)?;
        control.wait_for_end()
    }

    fn try_start(&self, control: &mut Control) -> Result<(), Error> {
        control.log.begin_run();
        control.supervisor.tell(&format!("start {}", self.port))?;
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            match control.supervisor.reply(POLL) {
                Some(Reply::Started(pid)) => control.running = Some(pid),
                Some(Reply::Exited) => {
                    control.running = None;
                    control.supervisor.tell("forget")?;
                    return Err(self.why_not(&control.log));
                }
                None => {}
            }
            // A file left by a server that crashed may say "ready", too: hence the comparison.
            let ready = |(pid, status)| control.running == Some(pid) && status == "ready";
            if self.cluster.postmaster().is_some_and(ready) {
                return Ok(());
            }
        }
        Err(control.timeout("start", START))
    }

    fn why_not(&self, log: &Log) -> Error {
        match log.failure() {
            Failure::AlreadyRunning => Error::AlreadyRunning {
                directory: self.cluster.home.clone(),
                pid: self.cluster.postmaster().map_or(0, |(pid, _)| pid),
            },
            Failure::PortTaken => Error::PortTaken(self.port),
            // A temporary one's log goes with it.
            Failure::Other(reason) if self.temporary => Error::Start { reason },
            Failure::Other(reason) => Error::Start {
                reason: format!("{reason} (log: {})", log.path.display()),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    fn wait_for_end(&mut self) -> Result<(), Error> {
        match self.supervisor.reply(STOP) {
            Some(_) => {
                self.running = None;
                self.supervisor.tell("forget")
            }
            None => Err(self.timeout("stop", STOP)),
        }
    }

    fn timeout(&self, action: &'static str, patience: Duration) -> Error {
        Error::Timeout {
            action,
            seconds: patience.as_secs(),
            log: self.log.path.clone(),
        }
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        let mut control = self.lock();
        let _ = self.wake(&mut control);
        control.supervisor.end();
    }
}

impl fmt::Debug for LocalPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPostgres")
            .field("directory", &self.cluster.home)
            .field("port", &self.port)
            .field("temporary", &self.temporary)
            .finish_non_exhaustive()
    }
}
