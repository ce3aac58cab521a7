use crate::{DatabaseResult, DatabaseUrl};
use diesel::connection::SimpleConnection;
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

    pub(crate) fn exceeded_by(self, time: Duration) -> bool {
        self.statement_timeout.is_some_and(|timeout| time >= timeout)
    }
}

/// Opens one connection.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable) when there is no server, or it refuses.
pub fn establish(url: &DatabaseUrl, limits: ConnectionLimits) -> DatabaseResult<PgConnection> {
    let mut connection = PgConnection::establish(url.expose_secret())?;
    // Whatever the server's default: that a statement sees what was committed before it is what row locks are taken for.
    // And no statement here is ever worth compiling, which takes a quarter of a second, whatever it is estimated to cost.
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
