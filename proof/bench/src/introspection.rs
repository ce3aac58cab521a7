//! A service that is asked whether a token is valid (RFC 7662): one pooled query a request.

use crate::role::{database_url, tell};
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{Data, Form, Json, post};
use actix_web::{App, HttpServer};
use anyhow::Context;
use jeton_coherence::lookups;
use jeton_domain::PlainToken;
use jeton_persistence::{Database, DatabaseUrl, PoolSettings};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// What it answers.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Introspection {
    pub(crate) active: bool,
    sub: Option<String>,
    username: Option<String>,
    scope: Option<String>,
    exp: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Question {
    token: String,
}

/// Serves with so many workers until the process is ended; tells the parent its address.
pub(crate) async fn run(workers: usize) -> anyhow::Result<()> {
    let database = Database::new(DatabaseUrl::parse(&database_url()?)?, PoolSettings::default());
    let app = move || {
        App::new()
            .app_data(Data::new(database.clone()))
            .route("/introspect", post().to(introspect))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
    tell(server.addrs().first().context("no address was bound")?)?;
    Ok(server.run().await?)
}

async fn introspect(
    database: Data<Database>,
    question: Form<Question>,
) -> actix_web::Result<Json<Introspection>> {
    let Ok(digest) = PlainToken::digest_of(&question.token) else {
        return Ok(Json(Introspection::default()));
    };
    let found = database
        .run(move |connection| connection.wait(async |c| lookups::find_valid(c, &[digest]).await))
        .await
        .map_err(ErrorInternalServerError)?;
    let token = found.into_iter().find_map(|(_, token)| token.ok());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Json(token.map_or_else(Introspection::default, |token| {
        Introspection {
            active: true,
            sub: Some(token.user_id.0.to_string()),
            username: Some(token.username),
            scope: Some(token.scopes.to_texts().join(" ")),
            exp: token.remaining.map(|remaining| (now + remaining).as_secs()),
        }
    })))
}
