use crate::error::with_cause;
use crate::open::open;
use crate::open_connection::OpenConnection;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection};
use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Connection, Socket};

/// Opens one connection, which lives on the runtime that this is called on.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses, or it is a former
/// primary whose successor this process has seen.
pub async fn connect(url: &DatabaseUrl, limits: &ConnectionLimits) -> DatabaseResult<OpenConnection> {
    open(url.target(), limits).await
}

/// Makes a connection that was opened one of Diesel's, tells the server how it is to be used, and asks which it is.
///
/// # Errors
/// What the server says.
pub(crate) async fn prepare<S>(
    (client, connection): (Client, Connection<Socket, S>),
    limits: &ConnectionLimits,
) -> Result<OpenConnection, String>
where
    S: TlsStream + Unpin + Send + 'static,
{
    let prepared = async {
        let mut connection = OpenConnection::new(client, connection, &settings(limits)).await?;
        limits.admit(&mut connection).await?;
        Ok(connection)
    };
    prepared.await.map_err(|reason: String| with_cause(&reason))
}

/// Whatever the server's default: a statement that had to wait for a row goes on with what is there now, and does not
/// fail. None here is ever worth compiling, which takes a quarter of a second, whatever it is estimated to cost. And that a
/// commit is not replicated is told by a warning alone.
fn settings(limits: &ConnectionLimits) -> String {
    let mut settings = "SET default_transaction_isolation = 'read committed'; SET jit = off; \
        SET client_min_messages = warning"
        .to_owned();
    if let Some(timeout) = limits.statement_timeout() {
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

/// Somebody has cancelled what a commit waited for, and the server has called it successful.
pub(crate) const NOT_REPLICATED: &str = "a commit's wait for its synchronous standby was cancelled";

const READ_COMMITTED: &str = "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Where commits hang, so do the locks that they hold: whoever asks again for what hangs would wait for it with a connection, and
/// then be refused all the same.
const DO_NOT_WAIT: &str = "SET LOCAL lock_timeout = '100ms'";

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
    if connection.may_hang() {
        let begin = format!("{begin}; {DO_NOT_WAIT}");
        AnsiTransactionManager::begin_transaction_sql(connection, &begin)?;
    } else {
        AnsiTransactionManager::begin_transaction_sql(connection, begin)?;
    }
    let done = work(connection).and_then(|value| {
        connection.refuse_to_hang()?;
        Ok(value)
    });
    match done {
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
    connection: &mut OpenConnection,
    work: impl AsyncFnOnce(&mut OpenConnection) -> DatabaseResult<T>,
) -> DatabaseResult<T> {
    let begun = connection.batch_execute(READ_COMMITTED).await;
    told(begun, connection).await?;
    let result = work(connection).await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = connection.batch_execute(end).await;
    told(ended, connection).await?;
    if connection.heard().take_unreplicated() {
        return Err(DatabaseError::Unavailable(NOT_REPLICATED.to_owned()));
    }
    result
}

#[cfg(test)]
mod tests;
