use crate::metrics::CleanupMetrics;
use jeton_persistence::Database;
use jeton_persistence::cleanup::{Cleaned, Cleanup, Kind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often what nobody needs any more is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// How far the time that the cleanup goes by may be behind the database's before that is worth a warning: a clock has jumped,
/// or there was no cleanup for so long.
const BEHIND: Duration = Duration::from_secs(3600);

/// Purges, now and then, for as long as the runtime lives. Of several instances one works at a time.
pub(crate) fn start(database: Database, cleanup: Cleanup, metrics: CleanupMetrics) {
    actix_web::rt::spawn(async move {
        let cleanup = Arc::new(Mutex::new(cleanup));
        loop {
            let behind = round(&database, &cleanup).await;
            if let Some(behind) = behind {
                metrics.note(behind);
            }
            if behind > Some(BEHIND) {
                tracing::warn!(
                    behind_secs = behind.unwrap_or_default().as_secs(),
                    "the cleanup is behind the database's clock and deletes what has expired little by little: the clock has \
                    jumped ahead, or no cleanup ran for as long"
                );
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

/// A batch of each kind in turn, as long as there is more of it. One that fails has failed until the next round. Says how far
/// the cleanup is behind, where it is this instance's.
async fn round(database: &Database, cleanup: &Arc<Mutex<Cleanup>>) -> Option<Duration> {
    let mut kinds = Kind::ALL.to_vec();
    let mut behind = None;
    while !kinds.is_empty() {
        let mut with_more = Vec::new();
        for kind in kinds {
            if let Some(purged) = step(database, cleanup, kind).await {
                behind = Some(purged.behind);
                if purged.more {
                    with_more.push(kind);
                }
            }
        }
        kinds = with_more;
    }
    behind
}

/// One batch; `None`: another instance is at it, or it has failed.
async fn step(database: &Database, cleanup: &Arc<Mutex<Cleanup>>, kind: Kind) -> Option<Cleaned> {
    let cleanup = cleanup.clone();
    let purged = database
        .run(move |connection| {
            cleanup
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .step(connection, kind)
        })
        .await;
    match purged {
        Ok(purged) => {
            if let Some(purged) = purged {
                tracing::debug!(?kind, purged.rows, "purged");
            }
            purged
        }
        Err(error) => {
            tracing::warn!(?kind, %error, "could not clean up");
            None
        }
    }
}
