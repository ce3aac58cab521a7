use crate::PgConnection;
use crate::lines::Lines;
use crate::manager::Manager;
use crate::places::{Place, Places, Turn};
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl};
use diesel::result::Error::QueryBuilderError;
use jeton_domain::delegation::SecretDigest;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How much of the database one process takes, and how long it waits for it.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// The most connections, and so the most statements at once, that [`run`](Database::run) lends.
    pub connections: u32,
    /// The most connections beside those, for what must not wait behind other work: see
    /// [`run_reserved`](Database::run_reserved). 0: there are none, and it waits with the others.
    pub reserved: u32,
    /// How long a request waits for its turn, and then for a connection.
    pub acquire_timeout: Duration,
    /// How long the server may work on one statement. Where it has not even said a second later that it has given up, the
    /// connection is abandoned, and its thread is free.
    pub statement_timeout: Duration,
    /// How long a request waits for the answer in all.
    pub query_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            connections: 10,
            reserved: 4,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(8),
        }
    }
}

impl PoolSettings {
    /// The most connections of all.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.connections.saturating_add(self.reserved)
    }
}

/// The one door to the database: a pool of connections, lent for the time of one closure on a blocking thread.
#[derive(Clone)]
pub struct Database {
    pool: r2d2::Pool<Manager>,
    /// One place a connection: a blocking thread that starts finds one free.
    places: Arc<Places>,
    reserved: Arc<Places>,
    waiting: Arc<AtomicUsize>,
    lines: Arc<Lines<SecretDigest>>,
    limits: ConnectionLimits,
    settings: PoolSettings,
}

/// How busy the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// The most connections that it opens.
    pub most: u32,
    /// Those that are open.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// How many wait for one.
    pub waiting: usize,
    /// How many were abandoned so far, since the server did not answer.
    pub abandoned: u64,
    /// How many commits wait for a synchronous standby that does not answer. While there are any, what would wait as well is
    /// [unavailable](DatabaseError::Unavailable) at once, and what only reads goes on.
    pub hanging_commits: u64,
}

/// One that waits, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Database {
    /// Makes the pool. Connects when first asked something, so this never fails for a database that is away.
    #[must_use]
    pub fn new(url: DatabaseUrl, settings: PoolSettings) -> Self {
        let limits = ConnectionLimits::new(settings.statement_timeout, settings.most());
        let manager = Manager {
            url,
            limits: limits.clone(),
            losses: Arc::default(),
        };
        let pool = r2d2::Pool::builder()
            .max_size(settings.most())
            .min_idle(Some(1))
            .connection_timeout(settings.acquire_timeout)
            .idle_timeout(Some(Duration::from_secs(60)))
            .error_handler(Box::new(LogAtDebug))
            .build_unchecked(manager);
        let places = Places::new(settings.connections);
        let reserved = match settings.reserved {
            0 => places.clone(),
            count => Places::new(count),
        };
        Self {
            pool,
            places,
            reserved,
            waiting: Arc::default(),
            lines: Arc::default(),
            limits,
            settings,
        }
    }

    /// How busy the pool is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let state = self.pool.state();
        PoolStatus {
            most: self.settings.most(),
            connections: state.connections,
            idle: state.idle_connections,
            waiting: self.waiting.load(Ordering::Relaxed),
            abandoned: self.limits.abandoned(),
            hanging_commits: self.limits.hanging_commits(),
        }
    }

    async fn place(&self, places: &Arc<Places>, turn: Option<Turn>) -> DatabaseResult<Place> {
        if let Some(place) = places.try_take() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(&self.waiting);
        match timeout(self.settings.acquire_timeout, places.take(turn)).await {
            Ok(Some(place)) => Ok(place),
            _ => Err(DatabaseError::Unavailable("all connections are busy".to_owned())),
        }
    }

    /// Lends a connection to the closure, on a thread that may block, in the caller's tracing span.
    ///
    /// The closure runs to its end even where the caller stops waiting. It must not call this again: with every
    /// connection lent to such a caller, none could go on.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when no connection could be had in time or no answer came; else what the
    /// closure says.
    pub async fn run<T, F>(&self, work: F) -> DatabaseResult<T>
    where
        F: FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
        T: Send + 'static,
    {
        self.lend(self.place(&self.places, None).await?, work).await
    }

    /// As [`run`](Self::run), one of those with this key at a time, where there is one: they would wait for one row, each with a
    /// connection. Who waits in the line has none.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`DatabaseError::Unavailable`] as well where the line was too long.
    pub async fn run_in_line<T, F>(&self, key: Option<SecretDigest>, work: F) -> DatabaseResult<T>
    where
        F: FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let through = match key {
            None => None,
            Some(key) => {
                let through = timeout(self.settings.query_timeout, self.lines.wait(key)).await;
                let too_long = |_| DatabaseError::Unavailable("too many wait for the same row".to_owned());
                Some(through.map_err(too_long)?)
            }
        };
        self.run(move |connection| {
            let _through = through;
            work(connection)
        })
        .await
    }

    /// As [`run`](Self::run), on a connection that is kept for what must not wait behind other work: what revokes, and a
    /// look at whether the service is ready. Those who wait take turns, so that nobody's storm of it keeps others waiting,
    /// either.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_reserved<T, F>(&self, turn: Turn, work: F) -> DatabaseResult<T>
    where
        F: FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let place = match turn {
            // Whether the service is ready is told although all that is kept for what revokes waits for a standby.
            Turn::Probe => self.reserved.try_take().or_else(|| self.places.try_take()),
            Turn::User(_) | Turn::Network(_) => None,
        };
        let place = match place {
            Some(place) => place,
            None => self.place(&self.reserved, Some(turn)).await?,
        };
        self.lend(place, work).await
    }

    async fn lend<T, F>(&self, place: Place, work: F) -> DatabaseResult<T>
    where
        F: FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let (pool, span) = (self.pool.clone(), tracing::Span::current());
        let job = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(|| {
                let mut connection = pool
                    .get()
                    .map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                connection.work(work)
            })
        });
        match timeout(self.settings.query_timeout, job).await {
            Ok(Ok(result)) => result,
            // The closure panicked.
            Ok(Err(stopped)) => Err(DatabaseError::Query(QueryBuilderError(stopped.into()))),
            Err(_) => Err(DatabaseError::Unavailable("no answer in time".to_owned())),
        }
    }
}

/// r2d2 tells every failed attempt to connect, several a second while the database is away. The request that needed
/// the connection says so once, which is enough.
#[derive(Debug)]
struct LogAtDebug;

impl r2d2::HandleError<DatabaseError> for LogAtDebug {
    fn handle_error(&self, error: DatabaseError) {
        tracing::debug!(%error, "a pooled connection failed");
    }
}
