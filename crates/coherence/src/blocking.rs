use crate::connection::{connect, told};
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, ServerIdentity};
use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, ConnectionSealed, Instrumentation, LoadConnection,
    SimpleConnection, TransactionManager,
};
use diesel::expression::QueryMetadata;
use diesel::migration::{CREATE_MIGRATIONS_TABLE, MigrationConnection};
use diesel::pg::Pg;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::TryStreamExt;
use std::panic::resume_unwind;
use std::thread;
use tokio::runtime::{Builder, Handle, Runtime};

/// A connection whose statements block the thread until they are answered: an [`AsyncPgConnection`] with a runtime of its
/// own, which runs while somebody waits, on the thread that waits. So nothing of it depends on another runtime, and none of
/// its statements on another thread.
pub struct PgConnection {
    // Goes before the runtime that its task is on.
    connection: AsyncPgConnection,
    server: ServerIdentity,
    reactor: Reactor,
    transactions: AnsiTransactionManager,
}

/// Opens one connection.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses.
pub fn establish(url: &DatabaseUrl, limits: ConnectionLimits) -> DatabaseResult<PgConnection> {
    let reactor = Reactor::new()?;
    let (connection, server) = reactor.wait(connect(url, limits))?;
    Ok(PgConnection::new(connection, server, reactor))
}

impl PgConnection {
    fn new(connection: AsyncPgConnection, server: ServerIdentity, reactor: Reactor) -> Self {
        Self {
            connection,
            server,
            reactor,
            transactions: AnsiTransactionManager::default(),
        }
    }

    /// The same, for threads alone that may block, as those of `spawn_blocking` may. There it saves a look at whether the
    /// thread may, which cannot be seen; on a thread that drives a runtime its statements panic.
    #[must_use]
    pub fn on_blocking_threads(mut self) -> Self {
        self.reactor.may_block = true;
        self
    }

    /// Blocks until something is done that is written for [`AsyncPgConnection`].
    pub fn wait<'a, F>(&'a mut self, work: impl FnOnce(&'a mut AsyncPgConnection) -> F) -> F::Output
    where
        F: Future<Output: Send> + Send,
    {
        self.reactor.wait(work(&mut self.connection))
    }

    /// Asks the server whether it is still there.
    ///
    /// # Errors
    /// See [`DatabaseError`](crate::DatabaseError).
    pub fn ping(&mut self) -> DatabaseResult<()> {
        Ok(self.batch_execute("")?)
    }

    /// The server that it was opened to.
    #[must_use]
    pub fn server(&self) -> ServerIdentity {
        self.server
    }

    /// Whether it is known to be in the middle of a transaction that nobody will end, or to be to a server that another has
    /// taken the place of.
    pub fn is_broken(&mut self) -> bool {
        self.server.is_superseded() || AnsiTransactionManager::is_broken_transaction_manager(self)
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
    fn wait<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send,
    {
        let Some(runtime) = &self.runtime else {
            unreachable!("the runtime goes when the connection is dropped")
        };
        if self.may_block || Handle::try_current().is_err() {
            return runtime.block_on(work);
        }
        thread::scope(|scope| {
            let waiting = scope.spawn(|| runtime.block_on(work));
            waiting.join().unwrap_or_else(|panic| resume_unwind(panic))
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
        self.wait(async |connection| {
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
        self.wait(|connection| {
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
        let rows: Vec<PgRow> = self.wait(|connection| {
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
