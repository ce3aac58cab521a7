use crate::problems::{database_problem, get_or_head, method_not_allowed};
use crate::shutdown::Ending;
use crate::taking;
use actix_web::{HttpResponse, web};
use anyhow::Context;
use jeton_api_types::ProblemResponse;
use jeton_persistence::{Database, migrations};
use jeton_verifier::Verifier;
use serde_json::json;

/// Refuses a database that lacks a migration: for a service's start.
///
/// # Errors
/// The database is away, or not up to date; the message tells the command that brings it up to date.
pub async fn check_migrated(database: &Database) -> anyhow::Result<()> {
    let pending = database.run(migrations::pending).await.context("DATABASE_URL")?;
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
}

/// `GET /livez`: the process serves. `GET /readyz`: it can do its work, which takes the database, up to date, and checks of
/// tokens, where it has them; and it has not been told to end.
pub fn configure(config: &mut web::ServiceConfig) {
    let probe = |path| web::resource(path).default_service(method_not_allowed("GET, HEAD"));
    config
        .service(probe("/livez").route(taking(&[], get_or_head().to(livez))))
        .service(probe("/readyz").route(taking(&[], get_or_head().to(readyz))));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

async fn readyz(needs: web::Data<Needs>) -> Result<HttpResponse, ProblemResponse> {
    if needs.ending.has_begun() {
        return Err(ProblemResponse::unavailable(1));
    }
    let pending = match &needs.database {
        Some(database) => database.run(migrations::pending).await,
        None => Ok(Vec::new()),
    };
    let pending = pending.map_err(|error| database_problem(&error))?;
    if let Some(verifier) = &needs.verifier {
        verifier.ready().await.map_err(|_| {
            tracing::warn!("tokens cannot be checked");
            ProblemResponse::unavailable(1)
        })?;
    }
    if pending.is_empty() {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        tracing::warn!(pending = pending.join(", "), "the database is not up to date");
        Err(ProblemResponse::unavailable(5))
    }
}
