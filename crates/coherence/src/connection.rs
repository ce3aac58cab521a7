use crate::{DatabaseResult, DatabaseUrl};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as DieselError;
use diesel::{Connection, PgConnection};
use secrecy::ExposeSecret;
use std::time::Duration;

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

/// Opens one connection.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses.
pub fn establish(url: &DatabaseUrl, limits: ConnectionLimits) -> DatabaseResult<PgConnection> {
    let mut connection = PgConnection::establish(url.expose_secret())?;
    // Whatever the server's default: a statement that had to wait for a row goes on with what is there now, and does not
    // fail. And none here is ever worth compiling, which takes a quarter of a second, whatever it is estimated to cost.
    let mut settings = "SET default_transaction_isolation = 'read committed'; SET jit = off".to_owned();
    if let Some(timeout) = limits.statement_timeout {
        settings.push_str(&format!(
            "; SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}",
            timeout.as_millis()
        ));
    }
    connection.batch_execute(&settings)?;
    Ok(connection)
}

/// Does some work in one transaction, each statement of which sees what was committed before it: that is what a row is
/// locked for, and then looked at. The transaction says so itself, since a pool that lends connections for one transaction
/// may lend one whose session [`establish`] has never seen.
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
        None => connection.build_transaction().read_committed().run(work),
    }
}
