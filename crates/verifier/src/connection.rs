use jeton_coherence::{
    AsyncPgConnection, ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, OpenConnection, connect,
    lookups,
};
use std::time::Duration;

/// A look-up that takes longer than this is given up by the server; and a second later it is abandoned, since the server has
/// stopped, or the network has.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that is made when first needed, and anew after it was lost.
pub(crate) struct Reconnecting {
    url: DatabaseUrl,
    limits: ConnectionLimits,
    connection: Option<OpenConnection>,
}

impl Reconnecting {
    pub(crate) fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            // Nothing that is done here waits for a standby, and checks go on while commits do.
            limits: ConnectionLimits::new(STATEMENT_TIMEOUT, u32::MAX),
            connection: None,
        }
    }

    /// Does something that may be done more than once. A connection from before may have died unnoticed, with a restart of the
    /// server, say, or since a network has forgotten it; then it is done once more on a new one. And a server may be found to have
    /// taken the place of the one that is asked: what the former one answers is not what is, and the new one is asked.
    pub(crate) async fn repeat<T>(
        &mut self,
        work: impl AsyncFn(&mut AsyncPgConnection) -> DatabaseResult<T>,
    ) -> DatabaseResult<T> {
        // Taken out, and kept only if it works: a panic in the work drops it as well.
        if let Some(mut connection) = self.connection.take()
            && !connection.server().is_superseded()
        {
            match self.limits.answered(work(&mut connection)).await {
                Err(DatabaseError::Unavailable(reason)) => {
                    tracing::debug!(reason, "a look-up connection was lost");
                }
                _ if connection.server().is_superseded() => {}
                other => {
                    self.connection = Some(connection);
                    return other;
                }
            }
        }
        // It ends: a server that takes another's place does so once.
        loop {
            let mut connection = connect(&self.url, &self.limits).await?;
            let result = self.limits.answered(async {
                lookups::plan_each(&mut connection).await?;
                work(&mut connection).await
            });
            let result = result.await;
            if matches!(result, Err(DatabaseError::Unavailable(_))) {
                return result;
            }
            if !connection.server().is_superseded() {
                self.connection = Some(connection);
                return result;
            }
        }
    }
}
