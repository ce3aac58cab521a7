//! How long a connection's user waits for the server, and what becomes of what the server does not answer.
//!
//! A time limit of the server's own ends a statement, but neither one of a server that has stopped, nor a commit that waits for
//! a synchronous standby: that has no time limit. So whoever waits has a deadline, after which the connection is abandoned. The
//! server's process goes on with the commit, and keeps its place among `max_connections`, whether or not anybody still listens.
//! So after that, each new connection first asks the server how many of this role's commits it keeps like that; where they are too
//! many, there is no new one. Whatever else was abandoned the server ends itself, by its time limit.

use crate::connection::told;
use crate::{DatabaseError, DatabaseResult};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double};
use diesel_async::AsyncPgConnection;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How much longer than the server may work on a statement its answer is waited for: until then it says that it has given up.
const MARGIN: Duration = Duration::from_secs(1);

/// How many commits of this role have waited for a standby for longer than they may.
const HANGING: &str = "SELECT count(*) AS commits FROM pg_stat_activity \
    WHERE usename = current_user AND backend_type = 'client backend' AND wait_event = 'SyncRep' \
        AND pid <> pg_backend_pid() AND query_start < clock_timestamp() - $1 * interval '1 second'";

/// What one user of connections, a pool or a thread, allows them. Clones share what was seen of the server: make one, and
/// clone it for each connection.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    statement_timeout: Option<Duration>,
    seen: Option<Arc<Seen>>,
    on_delay: Option<fn()>,
}

/// After how long without an answer whoever waits is told so, if they are told at all.
const DELAY: Duration = Duration::from_secs(5);

/// What to say then to somebody who waits for a command.
pub const DELAYED: &str =
    "still waiting for the database; to interrupt this does not take back what it was asked to do";

#[derive(Debug)]
struct Seen {
    /// So many commits of this role may hang before no more connections are opened.
    most_hanging: u32,
    abandoned: AtomicU64,
    /// Whether something was abandoned, and no look since has found that nothing hangs.
    suspected: AtomicBool,
    /// How many commits the last look has found that wait for a standby.
    hanging_commits: AtomicU64,
}

async fn find_hanging(connection: &mut AsyncPgConnection, timeout: Duration) -> DatabaseResult<u64> {
    // Here alone: `load` is what atomics have as well.
    use diesel_async::RunQueryDsl as _;

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        commits: i64,
    }
    let hanging = diesel::sql_query(HANGING).bind::<Double, _>(timeout.as_secs_f64());
    let Row { commits } = told(hanging.get_result(connection).await, connection).await?;
    Ok(u64::try_from(commits).unwrap_or_default())
}

impl ConnectionLimits {
    /// For work that may take its time: migrations.
    pub const NONE: Self = Self {
        statement_timeout: None,
        seen: None,
        on_delay: None,
    };

    /// The same, and this is called once for each answer that does not come within five seconds.
    #[must_use]
    pub fn on_delay(self, tell: fn()) -> Self {
        Self {
            on_delay: Some(tell),
            ..self
        }
    }

    /// The server cancels a statement that takes longer than that, and the connection is abandoned where it has not even said
    /// so a second later. While so many commits of this role hang, no new connection is opened.
    #[must_use]
    pub fn new(statement_timeout: Duration, most_hanging: u32) -> Self {
        Self {
            statement_timeout: Some(statement_timeout),
            seen: Some(Arc::new(Seen {
                most_hanging,
                abandoned: AtomicU64::new(0),
                suspected: AtomicBool::new(false),
                hanging_commits: AtomicU64::new(0),
            })),
            on_delay: None,
        }
    }

    /// As [`new`](Self::new), for what writes nothing that waits for a standby: however many commits hang, a connection is opened.
    #[must_use]
    pub fn beside_any_commits(statement_timeout: Duration) -> Self {
        Self::new(statement_timeout, u32::MAX)
    }

    /// A statement that takes longer is cancelled by the server. `None`: it may take its time, as a migration may.
    #[must_use]
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.statement_timeout
    }

    /// How long a statement's answer is waited for.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        Some(self.statement_timeout? + MARGIN)
    }

    /// Whether a statement that took so long was cancelled for it.
    #[must_use]
    pub fn exceeded_by(&self, time: Duration) -> bool {
        self.statement_timeout.is_some_and(|timeout| time >= timeout)
    }

    /// How many connections were abandoned so far.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.seen
            .as_ref()
            .map_or(0, |seen| seen.abandoned.load(Ordering::Relaxed))
    }

    /// How many commits of this role wait for a synchronous standby that does not answer, as it was found last. Looked for only
    /// after something was abandoned.
    #[must_use]
    pub fn hanging_commits(&self) -> u64 {
        self.seen
            .as_ref()
            .map_or(0, |seen| seen.hanging_commits.load(Ordering::Relaxed))
    }

    /// Whether something was abandoned, and it is not known yet that nothing hangs.
    #[must_use]
    pub fn suspects(&self) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.suspected.load(Ordering::Relaxed))
    }

    /// Waits for an answer of the database's for so long and no longer. What is not answered by then may have happened all the
    /// same; its connection is abandoned, and not to be used again.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when there is no answer in time; else what the work says.
    pub async fn answered_within<T>(
        &self,
        time: Duration,
        work: impl Future<Output = DatabaseResult<T>>,
    ) -> DatabaseResult<T> {
        match timeout(time, work).await {
            Ok(result) => result,
            Err(_) => Err(DatabaseError::Unavailable(self.abandon(time))),
        }
    }

    /// As [`answered_within`](Self::answered_within), for as long as a statement may take.
    ///
    /// # Errors
    /// See there.
    pub async fn answered<T>(&self, work: impl Future<Output = DatabaseResult<T>>) -> DatabaseResult<T> {
        match self.deadline() {
            Some(deadline) => self.answered_within(deadline, work).await,
            None => work.await,
        }
    }

    /// Waits for an answer, and lets it be told that it is late.
    pub(crate) async fn telling<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(tell) = self.on_delay else {
            return work.await;
        };
        let mut work = pin!(work);
        match timeout(DELAY, &mut work).await {
            Ok(answer) => answer,
            Err(_) => {
                tell();
                work.await
            }
        }
    }

    /// Notes that a connection is abandoned since nothing has come for so long; says so, and gives the reason.
    pub(crate) fn abandon(&self, after: Duration) -> String {
        if let Some(seen) = &self.seen {
            seen.abandoned.fetch_add(1, Ordering::Relaxed);
            seen.suspected.store(true, Ordering::Relaxed);
        }
        tracing::warn!("the database has not answered within {after:?}: the connection is abandoned");
        format!("no answer within {after:?}; what was asked may have been done, or be done yet")
    }

    /// Asks the server, where there is reason to, how many commits of this role hang.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub async fn look(&self, connection: &mut AsyncPgConnection) -> DatabaseResult<u64> {
        let (Some(seen), Some(timeout)) = (&self.seen, self.statement_timeout) else {
            return Ok(0);
        };
        if !seen.suspected.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let commits = find_hanging(connection, timeout).await?;
        seen.suspected.store(commits > 0, Ordering::Relaxed);
        match (seen.hanging_commits.swap(commits, Ordering::Relaxed), commits) {
            (0, 1..) => tracing::error!(
                commits,
                "commits wait for a synchronous standby that does not answer: what writes is unavailable until it is back, \
                or out of synchronous_standby_names"
            ),
            (1.., 0) => tracing::info!("commits are answered again"),
            _ => {}
        }
        Ok(commits)
    }

    /// Whether there may be one more connection, which is this one.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn admit(&self, connection: &mut AsyncPgConnection) -> Result<(), String> {
        let most = self.seen.as_ref().map_or(0, |seen| seen.most_hanging);
        match self.look(connection).await {
            Ok(commits) if commits < u64::from(most).max(1) => Ok(()),
            Ok(commits) => Err(format!(
                "{commits} commits of this role wait for a synchronous standby that does not answer: no connection is opened \
                beside them"
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
