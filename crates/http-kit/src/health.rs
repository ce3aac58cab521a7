use crate::problems::{database_problem, get_or_head, method_not_allowed};
use crate::shutdown::Ending;
use actix_web::rt::spawn;
use actix_web::{HttpResponse, web};
use anyhow::{Context, anyhow};
use jeton_api_types::ProblemResponse;
use jeton_persistence::{
    ConnectionLimits, Database, DatabaseUrl, PgConnection, Turn, check_writable, establish, migrations,
};
use jeton_verifier::Verifier;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::Instrument;

/// How long a service looks for its database when it starts, whatever its hosts are and whatever is in between.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long each statement of that look may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Refuses a database that lacks a migration: for a service's start, before anything else connects to it.
///
/// # Errors
/// The database is away, or not up to date; the message tells the command that brings it up to date.
pub async fn check_migrated(url: &DatabaseUrl) -> anyhow::Result<()> {
    let url = url.clone();
    let look = spawn_blocking(move || {
        let limits = ConnectionLimits::beside_any_commits(STATEMENT_TIMEOUT);
        migrations::pending(&mut establish(&url, limits)?.on_blocking_threads())
    });
    let pending = timeout(START_TIMEOUT, look).await;
    let pending = pending.map_err(|_| anyhow!("the database was not found within {START_TIMEOUT:?}"));
    let pending = pending.and_then(|looked| Ok(looked??)).context("DATABASE_URL")?;
    anyhow::ensure!(
        pending.is_empty(),
        "the database is not up to date (pending: {}); run `scripts/migrate` or `jeton migrate`",
        pending.join(", ")
    );
    Ok(())
}

/// What `readyz` looks at.
pub(crate) struct Needs {
    pub(crate) database: Option<Database>,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) ending: Ending,
    /// When the last look began, and what it saw.
    pub(crate) last_look: Mutex<Option<(Instant, Readiness)>>,
}

/// What a look at the database and the verifier sees.
pub(crate) type Readiness = Result<Ready, ProblemResponse>;

/// How a service is doing that can do its work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ready {
    Wholly,
    /// Tokens are checked and rows are read, and nothing is written: so many commits wait for a standby.
    ExceptForCommits(u64),
}

impl Ready {
    fn body(self) -> serde_json::Value {
        match self {
            Self::Wholly => json!({ "status": "ready" }),
            Self::ExceptForCommits(commits) => json!({
                "status": "degraded",
                "detail": "Commits wait for a synchronous standby that does not answer: what writes is answered 503.",
                "hanging_commits": commits,
            }),
        }
    }
}

impl Needs {
    /// What a look sees that begins after this call. One looks at a time; those who ask meanwhile wait for the next look
    /// together, so that however many ask take one connection, and nobody is told of a time before they asked.
    async fn readiness(&self) -> Readiness {
        let asked = Instant::now();
        let mut last_look = self.last_look.lock().await;
        match &*last_look {
            Some((began, seen)) if *began >= asked => seen.clone(),
            _ => {
                let began = Instant::now();
                let seen = self.look().await;
                last_look.insert((began, seen)).1.clone()
            }
        }
    }

    async fn look(&self) -> Readiness {
        if let Some(database) = &self.database {
            let look = |connection: &mut PgConnection| {
                check_writable(connection)?;
                migrations::pending(connection)
            };
            let pending = database.run_reserved(Turn::Probe, look).await;
            let pending = pending.map_err(|error| database_problem(&error))?;
            if !pending.is_empty() {
                tracing::warn!(pending = pending.join(", "), "the database is not up to date");
                return Err(ProblemResponse::unavailable(5));
            }
        }
        if let Some(verifier) = &self.verifier {
            verifier.ready().await.map_err(|_| {
                tracing::warn!("tokens cannot be checked");
                ProblemResponse::unavailable(1)
            })?;
        }
        let hanging = self
            .database
            .as_ref()
            .map(|database| database.status().hanging_commits);
        Ok(match hanging {
            None | Some(0) => Ready::Wholly,
            Some(commits) => Ready::ExceptForCommits(commits),
        })
    }
}

/// `GET /livez`: the process serves. `GET /readyz`: it can do its work, which takes the database, up to date and to be written
/// to, and checks of tokens, where it has them; and it has not been told to end. While a synchronous standby keeps commits
/// waiting it is ready all the same, and says so: no other instance is better off, and checks go on. Whatever the query: a load
/// balancer may write one against caches, and takes a service away that answers 422.
pub fn configure(config: &mut web::ServiceConfig) {
    let probe = |path| web::resource(path).default_service(method_not_allowed("GET, HEAD"));
    config
        .service(probe("/livez").route(get_or_head().to(livez)))
        .service(probe("/readyz").route(get_or_head().to(readyz)));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

async fn readyz(needs: web::Data<Needs>) -> Result<HttpResponse, ProblemResponse> {
    if needs.ending.has_begun() {
        return Err(ProblemResponse::unavailable(1));
    }
    // Not the request's own: whoever hangs up in the middle would have the next one look while this look goes on.
    let look = spawn(async move { needs.readiness().await }.in_current_span());
    let ready = look.await.unwrap_or_else(|_| Err(ProblemResponse::internal()))?;
    Ok(HttpResponse::Ok().json(ready.body()))
}
