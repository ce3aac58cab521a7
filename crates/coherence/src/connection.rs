use crate::open::open;
use crate::{DatabaseResult, DatabaseUrl, PgConnection, ServerIdentity};
use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use std::time::Duration;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Connection, Socket};

/// What the server enforces on one connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// A statement that takes longer is cancelled. `None`: it may take its time, as a migration may.
    pub statement_timeout: Option<Duration>,
}

impl ConnectionLimits {
    /// For work that a person waits for by choice: migrations, the operator's commands.
    pub const NONE: Self = Self {
        statement_timeout: None,
    };

    /// Whether a statement that took so long was cancelled for it.
    #[must_use]
    pub fn exceeded_by(self, time: Duration) -> bool {
        self.statement_timeout.is_some_and(|timeout| time >= timeout)
    }
}

/// Opens one connection, which lives on the runtime that this is called on, and says which server it is to.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses, or it is a former
/// primary whose successor this process has seen.
pub async fn connect(
    url: &DatabaseUrl,
    limits: ConnectionLimits,
) -> DatabaseResult<(AsyncPgConnection, ServerIdentity)> {
    open(url.target(), limits).await
}

/// Makes a connection that was opened one of Diesel's, tells the server how it is to be used, and asks which it is.
///
/// # Errors
/// What the server says.
pub(crate) async fn prepare<S>(
    (client, connection): (Client, Connection<Socket, S>),
    limits: ConnectionLimits,
) -> Result<(AsyncPgConnection, ServerIdentity), String>
where
    S: TlsStream + Unpin + Send + 'static,
{
    let connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await;
    let mut connection = connection.map_err(|error| error.to_string())?;
    let set = connection.batch_execute(&settings(limits)).await;
    set.map_err(|error| error.to_string())?;
    let server = ServerIdentity::ask(&mut connection).await?;
    Ok((connection, server))
}

/// Whatever the server's default: a statement that had to wait for a row goes on with what is there now, and does not
/// fail. And none here is ever worth compiling, which takes a quarter of a second, whatever it is estimated to cost.
fn settings(limits: ConnectionLimits) -> String {
    let mut settings = "SET default_transaction_isolation = 'read committed'; SET jit = off".to_owned();
    if let Some(timeout) = limits.statement_timeout {
        settings.push_str(&format!(
            "; SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}",
            timeout.as_millis()
        ));
    }
    settings
}

/// What a statement has said, and of an error that may be the connection's whether it is: the server's last word, before it
/// closes one, looks like any other, and Diesel keeps no SQLSTATE of it. What no longer answers is closed.
pub(crate) async fn told<T>(result: QueryResult<T>, mut connection: &AsyncPgConnection) -> QueryResult<T> {
    match result {
        Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, said)) => {
            let kind = match connection.batch_execute("").await {
                Ok(()) => DatabaseErrorKind::Unknown,
                Err(_) => DatabaseErrorKind::ClosedConnection,
            };
            Err(DieselError::DatabaseError(kind, said))
        }
        other => other,
    }
}

const READ_COMMITTED: &str = "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Does some work in one transaction, each statement of which sees what was committed before it: that is what a row is
/// locked for, and then looked at. The transaction says so itself, since a pool that lends connections for one transaction
/// may lend one whose session [`establish`](crate::establish) has never seen.
///
/// Within another transaction it is a part of that one.
///
/// # Errors
/// What the work says, or what beginning or committing says.
pub fn transaction<T, E: From<DieselError>>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let status = AnsiTransactionManager::transaction_manager_status_mut(connection);
    match status.transaction_depth()? {
        Some(_) => connection.transaction(work),
        None => begun_by(READ_COMMITTED, connection, work),
    }
}

/// Does some work that reads only, in a transaction of its own that would refuse to write.
///
/// # Errors
/// As [`transaction`].
pub fn read_only<T, E: From<DieselError>>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    begun_by("BEGIN TRANSACTION READ ONLY", connection, work)
}

fn begun_by<T, E: From<DieselError>>(
    begin: &str,
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    AnsiTransactionManager::begin_transaction_sql(connection, begin)?;
    match work(connection) {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(connection)?;
            Ok(value)
        }
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(connection)?;
            Err(error)
        }
    }
}

/// As [`transaction`], for a connection that is waited for. It begins no other within it.
pub(crate) async fn transaction_async<T>(
    connection: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> DatabaseResult<T>,
) -> DatabaseResult<T> {
    let begun = connection.batch_execute(READ_COMMITTED).await;
    told(begun, connection).await?;
    let result = work(connection).await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = connection.batch_execute(end).await;
    told(ended, connection).await?;
    result
}

#[cfg(test)]
mod tests;
