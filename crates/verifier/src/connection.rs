use jeton_coherence::{
    AsyncPgConnection, ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, ServerIdentity, connect,
    lookups,
};
use std::time::Duration;
use tokio::time::timeout;

/// A look-up that takes longer than this is given up by the server.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// Of a server that has not even said so after this, nothing more is expected: it has stopped, or the network has.
const SILENCE: Duration = Duration::from_secs(4);

/// Waits for an answer of the database's for so long and no longer. What is not answered by then may have happened all the
/// same, and its connection is not to be used again.
pub(crate) async fn answered_within<T>(
    time: Duration,
    work: impl Future<Output = DatabaseResult<T>>,
) -> DatabaseResult<T> {
    let late = |_| DatabaseError::Unavailable(format!("no answer within {time:?}"));
    timeout(time, work).await.map_err(late)?
}

/// A connection that is made when first needed, and anew after it was lost.
pub(crate) struct Reconnecting {
    url: DatabaseUrl,
    connection: Option<(AsyncPgConnection, ServerIdentity)>,
}

impl Reconnecting {
    pub(crate) fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            connection: None,
        }
    }

    /// Does something that may be done twice. A connection from before may have died unnoticed, with a restart of the
    /// server, say, or since a network has forgotten it; then it is done once more on a new one. One to a server that another
    /// has taken the place of is not used.
    pub(crate) async fn repeat<T>(
        &mut self,
        work: impl AsyncFn(&mut AsyncPgConnection) -> DatabaseResult<T>,
    ) -> DatabaseResult<T> {
        // Taken out, and kept only if it works: a panic in the work drops it as well.
        if let Some((mut connection, server)) = self.connection.take()
            && !server.is_superseded()
        {
            match answered_within(SILENCE, work(&mut connection)).await {
                Err(DatabaseError::Unavailable(reason)) => {
                    tracing::debug!(reason, "a look-up connection was lost");
                }
                other => {
                    self.connection = Some((connection, server));
                    return other;
                }
            }
        }
        let limits = ConnectionLimits {
            statement_timeout: Some(STATEMENT_TIMEOUT),
        };
        let (mut connection, server) = connect(&self.url, limits).await?;
        let result = answered_within(SILENCE, async {
            lookups::plan_each(&mut connection).await?;
            work(&mut connection).await
        });
        let result = result.await;
        if !matches!(result, Err(DatabaseError::Unavailable(_))) {
            self.connection = Some((connection, server));
        }
        result
    }
}
