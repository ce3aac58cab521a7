use jeton_persistence::Database;
use jeton_persistence::purge::Purge;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often what nobody needs any more is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Purges, now and then, for as long as the runtime lives. Of several instances one works at a time.
pub(crate) fn start(database: Database, audit_retention: Option<Duration>) {
    actix_web::rt::spawn(async move {
        let purge = Arc::new(Mutex::new(Purge::new(audit_retention)));
        loop {
            while step(&database, &purge).await {}
            tokio::time::sleep(EVERY).await;
        }
    });
}

/// One batch; says whether there is more to do at once.
async fn step(database: &Database, purge: &Arc<Mutex<Purge>>) -> bool {
    let purge = purge.clone();
    let purged = database
        .run(move |connection| {
            purge
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .step(connection)
        })
        .await;
    match purged {
        Ok(Some(purged)) => {
            tracing::debug!(?purged, "purged");
            purged.more
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "nothing was purged");
            false
        }
    }
}
