use jeton_persistence::Database;
use jeton_persistence::cleanup::{Cleanup, Kind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often what nobody needs any more is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Purges, now and then, for as long as the runtime lives. Of several instances one works at a time.
pub(crate) fn start(database: Database, audit_retention: Option<Duration>) {
    actix_web::rt::spawn(async move {
        let cleanup = Arc::new(Mutex::new(Cleanup::new(audit_retention)));
        loop {
            round(&database, &cleanup).await;
            tokio::time::sleep(EVERY).await;
        }
    });
}

/// A batch of each kind in turn, as long as there is more of it. One that fails has failed until the next round.
async fn round(database: &Database, cleanup: &Arc<Mutex<Cleanup>>) {
    let mut kinds = Kind::ALL.to_vec();
    while !kinds.is_empty() {
        let mut with_more = Vec::new();
        for kind in kinds {
            if step(database, cleanup, kind).await {
                with_more.push(kind);
            }
        }
        kinds = with_more;
    }
}

/// One batch; says whether there is more to do at once.
async fn step(database: &Database, cleanup: &Arc<Mutex<Cleanup>>, kind: Kind) -> bool {
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
        Ok(Some(purged)) => {
            tracing::debug!(?kind, purged.rows, "purged");
            purged.more
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(?kind, %error, "could not clean up");
            false
        }
    }
}
