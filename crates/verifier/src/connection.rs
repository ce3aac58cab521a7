use jeton_coherence::{
    AsyncPgConnection, ConnectionLimits, DatabaseError, DatabaseResult, DatabaseUrl, OpenConnection, connect,
    plan_once,
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
            // Checks go on while commits hang.
            limits: ConnectionLimits::beside_any_commits(STATEMENT_TIMEOUT),
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
        // It ends: a connection from before is lost once, and a server that takes another's place does so once.
        loop {
            // Taken out, and kept only if it works: a panic in the work drops it as well.
            let kept = self.connection.take();
            let kept = kept.filter(|connection| !connection.server().is_superseded());
            let is_new = kept.is_none();
            let mut connection = match kept {
                Some(connection) => connection,
                None => connect(&self.url, &self.limits).await?,
            };
            let answer = self.limits.answered(async {
                if is_new {
                    plan_once(&mut connection).await?;
                }
                work(&mut connection).await
            });
            match answer.await {
                Err(DatabaseError::Unavailable(reason)) if !is_new => {
                    tracing::debug!(reason, "a look-up connection was lost");
                }
                unavailable @ Err(DatabaseError::Unavailable(_)) => return unavailable,
                _ if connection.server().is_superseded() => {}
                other => {
                    self.connection = Some(connection);
                    return other;
                }
            }
        }
    }
}
