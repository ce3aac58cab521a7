use crate::{connect, execute, text, try_connect, wait_until};
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use std::thread;

/// What writes, and so is waited for.
const WRITE: &str = "SELECT pg_logical_emit_message(true, 'test', '')";

/// A synchronous standby that never answers: commits of the server wait for it, until this is [over](Self::end).
pub struct SilentStandby<'a>(&'a LocalPostgres);

impl<'a> SilentStandby<'a> {
    /// Returns once commits wait.
    pub fn of(server: &'a LocalPostgres) -> Self {
        let standby = Self(server);
        standby.set("ALTER SYSTEM SET synchronous_standby_names = 'silent'");
        // The server takes notice when it comes to it.
        let mut probe = connect(&server.url());
        let probing = thread::spawn(move || while probe.batch_execute(WRITE).is_ok() {});
        standby.wait_for(1);
        standby.all("pg_terminate_backend(pid)");
        let _ = probing.join();
        standby.wait_for(0);
        standby
    }

    /// How many commits wait for it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        // Where there is no place for one more, it is asked again.
        let connection = try_connect(&self.0.url());
        connection.map_or(usize::MAX, |mut connection| {
            text(&mut connection, waiting).parse().unwrap_or_default()
        })
    }

    /// Waits until so many commits wait for it.
    pub fn wait_for(&self, commits: usize) {
        wait_until("as many commits wait", || self.waiting() == commits);
    }

    /// Has somebody cancel all the waiting: the commits are called successful, with a warning.
    pub fn cancel(&self) {
        self.all("pg_cancel_backend(pid)");
    }

    /// It is no longer waited for.
    pub fn end(self) {
        self.set("ALTER SYSTEM RESET synchronous_standby_names");
        self.wait_for(0);
    }

    fn all(&self, what: &str) {
        let all = format!("SELECT count({what}) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        text(&mut connect(&self.0.url()), &all);
    }

    fn set(&self, setting: &str) {
        let connection = &mut connect(&self.0.url());
        execute(connection, setting);
        execute(connection, "SELECT pg_reload_conf()");
    }
}
