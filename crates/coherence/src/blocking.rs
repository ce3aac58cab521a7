use crate::connection::{NOT_REPLICATED, connect, told};
use crate::open_connection::OpenConnection;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, ServerIdentity};
use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, ConnectionSealed, Instrumentation, LoadConnection,
    SimpleConnection, TransactionManager,
};
use diesel::expression::QueryMetadata;
use diesel::migration::{CREATE_MIGRATIONS_TABLE, MigrationConnection};
use diesel::pg::Pg;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{
    ConnectionError, ConnectionResult, DatabaseErrorKind, Error as DieselError, QueryResult,
};
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::TryStreamExt;
use std::io;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

/// A look whether the server is there takes no longer, where it is.
const PING_DEADLINE: Duration = Duration::from_secs(1);

/// What the server says of a lock that it did not get within `lock_timeout`, in English: Diesel tells no SQLSTATE (55P03).
pub const LOCK_TIMEOUT: &str = "canceling statement due to lock timeout";

/// Whether a commit of what was done so far would wait until it is replicated.
const WOULD_WAIT: &str = "current_setting('synchronous_commit') NOT IN ('off', 'local') \
    AND pg_current_xact_id_if_assigned() IS NOT NULL";

/// A connection whose statements block the thread until they are answered: an [`AsyncPgConnection`] with a runtime of its
/// own, which runs while somebody waits, on the thread that waits. So nothing of it depends on another runtime, and none of
/// its statements on another thread.
///
/// What is not answered by its [deadline](ConnectionLimits::deadline) is unavailable, and so is all that is asked of the
/// connection afterwards. So is a commit that the server has called successful although somebody has cancelled its wait for a
/// synchronous standby: a failover may undo it.
pub struct PgConnection {
    // Goes before the runtime that its task is on.
    connection: OpenConnection,
    reactor: Reactor,
    transactions: AnsiTransactionManager,
    limits: ConnectionLimits,
    /// Why nothing more is asked of it.
    lost: Option<String>,
}

/// Opens one connection.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses.
pub fn establish(url: &DatabaseUrl, limits: ConnectionLimits) -> DatabaseResult<PgConnection> {
    let reactor = Reactor::new()?;
    let connection = reactor
        .wait(limits.telling(connect(url, &limits)))
        .map_err(|error| DatabaseError::Unavailable(no_thread(&error)))??;
    Ok(PgConnection::new(connection, reactor, limits))
}

fn no_thread(error: &io::Error) -> String {
    format!("no thread could be started to wait on: {error}")
}

/// As for what the server itself has closed.
fn closed<E: From<DieselError>>(reason: String) -> E {
    DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(reason)).into()
}

impl PgConnection {
    fn new(connection: OpenConnection, reactor: Reactor, limits: ConnectionLimits) -> Self {
        Self {
            connection,
            reactor,
            transactions: AnsiTransactionManager::default(),
            limits,
            lost: None,
        }
    }

    /// The same, for threads alone that may block, as those of `spawn_blocking` may. There it saves a look at whether the
    /// thread may, which cannot be seen; on a thread that drives a runtime its statements panic.
    #[must_use]
    pub fn on_blocking_threads(mut self) -> Self {
        self.reactor.may_block = true;
        self
    }

    /// Blocks until something is done that is written for an [`OpenConnection`], or its deadline has passed.
    ///
    /// # Errors
    /// What the work says, or [`DatabaseError::Unavailable`] where it is not answered in time.
    pub fn wait<'a, T, F>(&'a mut self, work: impl FnOnce(&'a mut OpenConnection) -> F) -> DatabaseResult<T>
    where
        F: Future<Output = DatabaseResult<T>> + Send,
        T: Send,
    {
        let deadline = self.limits.deadline();
        self.answered_by(deadline, work)
    }

    /// What the work says. In time, by a connection that nothing was lost on before, and by one that says so itself where it is
    /// about a commit.
    fn answered_by<'a, T, E, F>(
        &'a mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(&'a mut OpenConnection) -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: From<DieselError> + Send,
    {
        if let Some(reason) = &self.lost {
            return Err(closed(reason.clone()));
        }
        let Self {
            connection,
            reactor,
            limits,
            lost,
            ..
        } = self;
        let heard = connection.heard().clone();
        let work = limits.telling(work(connection));
        let answer = reactor.wait(async {
            match deadline {
                Some(deadline) => timeout(deadline, work).await.map_err(|_| deadline),
                None => Ok(work.await),
            }
        });
        let reason = match answer {
            Err(error) => no_thread(&error),
            Ok(Err(deadline)) => limits.abandon(deadline),
            Ok(_) if heard.take_unreplicated() => {
                tracing::error!("{NOT_REPLICATED}: it is not known to be durable");
                NOT_REPLICATED.to_owned()
            }
            Ok(Ok(result)) => return result,
        };
        *lost = Some(reason.clone());
        Err(closed(reason))
    }

    /// As [`wait`](Self::wait), for what Diesel asks.
    fn ask<'a, T, F>(&'a mut self, work: impl FnOnce(&'a mut AsyncPgConnection) -> F) -> QueryResult<T>
    where
        F: Future<Output = QueryResult<T>> + Send,
        T: Send,
    {
        let deadline = self.limits.deadline();
        let waits_for_no_lock = self.may_hang();
        match self.answered_by(deadline, |connection| work(connection)) {
            // Of a transaction that waits for no lock, since commits hang: it passes.
            Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, said))
                if waits_for_no_lock && said.message() == LOCK_TIMEOUT =>
            {
                Err(DieselError::DatabaseError(
                    DatabaseErrorKind::SerializationFailure,
                    said,
                ))
            }
            answer => answer,
        }
    }

    /// Asks the server whether it is still there, which it has a second to say at the most.
    ///
    /// # Errors
    /// See [`DatabaseError`](crate::DatabaseError).
    pub fn ping(&mut self) -> DatabaseResult<()> {
        let deadline = self.ping_deadline();
        self.answered_by(deadline, async |connection: &mut OpenConnection| {
            let answered = connection.batch_execute("").await;
            Ok(told(answered, connection).await?)
        })
    }

    /// The server that it was opened to.
    #[must_use]
    pub fn server(&self) -> ServerIdentity {
        self.connection.server()
    }

    /// Whether it is known to be abandoned, or in the middle of a transaction that nobody will end, or to a server that another
    /// has taken the place of.
    pub fn is_broken(&mut self) -> bool {
        self.lost.is_some()
            || self.server().is_superseded()
            || AnsiTransactionManager::is_broken_transaction_manager(self)
    }

    /// Looks again, where something was abandoned, whether the server answers commits: see
    /// [`ConnectionLimits::hanging_commits`].
    ///
    /// # Errors
    /// See [`DatabaseError`](crate::DatabaseError).
    pub fn look(&mut self) -> DatabaseResult<()> {
        if !self.limits.suspects() {
            return Ok(());
        }
        let (limits, deadline) = (self.limits.clone(), self.ping_deadline());
        let look = async |connection: &mut OpenConnection| limits.look(connection).await.map(drop);
        self.answered_by(deadline, look)
    }

    fn ping_deadline(&self) -> Option<Duration> {
        self.limits.deadline().map(|deadline| deadline.min(PING_DEADLINE))
    }

    /// Whether a commit may hang as others do.
    pub(crate) fn may_hang(&self) -> bool {
        self.limits.hanging_commits() > 0
    }

    /// Refuses a commit that would hang as others do, and leave one more of the server's processes waiting.
    ///
    /// # Errors
    /// As for a connection that is lost.
    pub(crate) fn refuse_to_hang(&mut self) -> QueryResult<()> {
        let commits = self.limits.hanging_commits();
        if commits == 0 {
            return Ok(());
        }
        let would_wait = diesel::select(diesel::dsl::sql::<Bool>(WOULD_WAIT));
        if diesel::RunQueryDsl::get_result(would_wait, self)? {
            return Err(closed(format!(
                "{commits} commits wait for a synchronous standby that does not answer"
            )));
        }
        Ok(())
    }
}

/// What drives a connection: its socket, its timers and its task, while somebody waits.
struct Reactor {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    may_block: bool,
}

impl Reactor {
    fn new() -> DatabaseResult<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
        Ok(Self {
            runtime: Some(runtime),
            may_block: false,
        })
    }

    /// Waits on this thread; on another one where this one drives a runtime, or may do so: Tokio lets none drive two.
    ///
    /// # Errors
    /// That one could not be started.
    fn wait<F>(&self, work: F) -> io::Result<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        let Some(runtime) = &self.runtime else {
            unreachable!("the runtime goes when the connection is dropped")
        };
        if self.may_block || Handle::try_current().is_err() {
            return Ok(runtime.block_on(work));
        }
        thread::scope(|scope| {
            let waiting = thread::Builder::new().spawn_scoped(scope, || runtime.block_on(work))?;
            Ok(waiting.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}

/// Without waiting for the threads that look host names up, which is not allowed everywhere.
impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl SimpleConnection for PgConnection {
    fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
        self.ask(async |connection: &mut AsyncPgConnection| {
            let result = connection.batch_execute(sql).await;
            told(result, connection).await
        })
    }
}

impl ConnectionSealed for PgConnection {}

impl Connection for PgConnection {
    type Backend = Pg;
    type TransactionManager = AnsiTransactionManager;

    fn establish(url: &str) -> ConnectionResult<Self> {
        let url = DatabaseUrl::parse(url)
            .map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
        establish(&url, ConnectionLimits::NONE)
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Pg> + QueryId,
    {
        self.ask(|connection| {
            let connection = &*connection;
            let executing = AsyncConnectionCore::execute_returning_count(&mut &*connection, source);
            async move { told(executing.await, connection).await }
        })
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        &mut self.transactions
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.connection.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.connection.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.connection.set_prepared_statement_cache_size(size);
    }
}

type PgRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

impl LoadConnection for PgConnection {
    type Cursor<'conn, 'query> = Rows;
    type Row<'conn, 'query> = PgRow;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> QueryResult<Rows>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: QueryMetadata<T::SqlType>,
    {
        let rows: Vec<PgRow> = self.ask(|connection| {
            let connection = &*connection;
            let loading = AsyncConnectionCore::load(&mut &*connection, source);
            async move {
                let result = async { loading.await?.try_collect().await }.await;
                told(result, connection).await
            }
        })?;
        Ok(rows.into_iter().map(Ok))
    }
}

/// All rows of an answer: one wait for all of them.
type Rows = std::iter::Map<std::vec::IntoIter<PgRow>, fn(PgRow) -> QueryResult<PgRow>>;

impl MigrationConnection for PgConnection {
    fn setup(&mut self) -> QueryResult<usize> {
        self.batch_execute(CREATE_MIGRATIONS_TABLE).map(|()| 0)
    }
}
