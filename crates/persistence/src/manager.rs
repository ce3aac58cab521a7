use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, establish};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A connection of the pool that worked so short a time ago is taken without asking it again. Where the server has
/// restarted even sooner, whoever takes it is told that the database is unavailable, and tries again: after a loss, all
/// that are older are asked first.
pub const TRUSTED_FOR: Duration = Duration::from_millis(100);

/// How r2d2 makes connections and tells good from bad. Diesel's own manager pings at every check-out, or, told not
/// to, goes on lending a connection whose server is gone. This one pings what has been idle, and whatever is older
/// than the last loss of any connection.
pub(crate) struct Manager {
    pub(crate) url: DatabaseUrl,
    pub(crate) limits: ConnectionLimits,
    /// How many connections were lost so far.
    pub(crate) losses: Arc<AtomicU64>,
}

pub(crate) struct Managed {
    connection: PgConnection,
    limits: ConnectionLimits,
    worked_at: Instant,
    losses_then: u64,
    losses: Arc<AtomicU64>,
    lost: bool,
}

impl Managed {
    /// Does some work, and remembers what it says about the connection.
    pub(crate) fn work<T>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> DatabaseResult<T>,
    ) -> DatabaseResult<T> {
        let losses_then = self.losses.load(Ordering::Relaxed);
        let started = Instant::now();
        let work = |connection: &mut PgConnection| {
            connection.look()?;
            work(connection)
        };
        // A cancelled statement is known by the time it took: Diesel keeps no SQLSTATE, and the text of the error is in
        // the server's language.
        let result = work(&mut self.connection).map_err(|error| match error {
            DatabaseError::Query(error) if self.limits.exceeded_by(started.elapsed()) => {
                DatabaseError::Unavailable(error.to_string())
            }
            other => other,
        });
        match result {
            // A commit that was refused since others hang: no loss of this connection.
            Err(DatabaseError::Unavailable(_))
                if self.limits.hanging_commits() > 0 && !self.connection.is_broken() => {}
            Err(DatabaseError::Unavailable(_)) => {
                self.lost = true;
                self.losses.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                self.worked_at = Instant::now();
                self.losses_then = losses_then;
            }
        }
        result
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Managed;
    type Error = DatabaseError;

    fn connect(&self) -> DatabaseResult<Managed> {
        let losses_then = self.losses.load(Ordering::Relaxed);
        // Lent on threads that may block, and made on such.
        let connection = establish(&self.url, self.limits.clone())?.on_blocking_threads();
        Ok(Managed {
            connection,
            limits: self.limits.clone(),
            worked_at: Instant::now(),
            losses_then,
            losses: self.losses.clone(),
            lost: false,
        })
    }

    fn is_valid(&self, managed: &mut Managed) -> DatabaseResult<()> {
        if managed.connection.is_broken() {
            return Err(DatabaseError::Unavailable(
                "the connection is not to be used any more".to_owned(),
            ));
        }
        let all_is_well = managed.losses_then == self.losses.load(Ordering::Relaxed);
        if all_is_well && managed.worked_at.elapsed() < TRUSTED_FOR {
            return Ok(());
        }
        managed.work(PgConnection::ping)
    }

    fn has_broken(&self, managed: &mut Managed) -> bool {
        managed.lost || std::thread::panicking() || managed.connection.is_broken()
    }
}
