use jeton_coherence::{
    ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, PgConnection, establish, lookups,
};
use std::time::Duration;

/// A look-up that takes longer than this is given up by the server.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that is made when first needed, and anew after it was lost.
pub(crate) struct Reconnecting {
    url: DatabaseUrl,
    connection: Option<PgConnection>,
}

impl Reconnecting {
    pub(crate) fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            connection: None,
        }
    }

    /// Does something that may be done twice. A connection from before may have died unnoticed, with a restart of the
    /// server, say; then it is done once more on a new one.
    pub(crate) fn repeat<T>(
        &mut self,
        mut work: impl FnMut(&mut PgConnection) -> DatabaseResult<T>,
    ) -> DatabaseResult<T> {
        // Taken out, and kept only if it works: a panic in the work drops it as well.
        if let Some(mut connection) = self.connection.take() {
            match work(&mut connection) {
                Err(DatabaseError::Unavailable(reason)) => {
                    tracing::debug!(reason, "a look-up connection was lost");
                }
                other => {
                    self.connection = Some(connection);
                    return other;
                }
            }
        }
        let limits = ConnectionLimits {
            statement_timeout: Some(STATEMENT_TIMEOUT),
        };
        let mut connection = establish(&self.url, limits)?;
        connection.wait(lookups::plan_each)?;
        let result = work(&mut connection);
        if !matches!(result, Err(DatabaseError::Unavailable(_))) {
            self.connection = Some(connection);
        }
        result
    }
}
