//! A service that calls another one with an account of its own. It shows the notes of a service account to everybody
//! whose token may read notes: the callers' tokens stay here, and the account's is the one that the notes service sees.
//! How to run it beside `scripts/up` says the crate's README.

mod account;

use account::{Account, Secret};
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpRequest, HttpServer};
use anyhow::Context;
use jeton_api_types::ProblemResponse;
use jeton_client::{AuthClient, ClientError, ProblemKind};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// What callers must be allowed to.
const SCOPE: &str = "notes:read";

struct Board {
    auth: AuthClient,
    notes: String,
    account: Account,
}

/// `GET /board`
async fn show(request: HttpRequest, board: Data<Board>) -> Result<Json<Value>, ProblemResponse> {
    admit(&request, &board.auth).await?;
    let notes = board
        .account
        .send(|session| session.get(&board.notes))
        .await
        .map_err(failed)?;
    Ok(Json(notes))
}

/// Asks the auth API about the caller's token. A service that can reach the database leaves that to jeton-verifier.
async fn admit(request: &HttpRequest, auth: &AuthClient) -> Result<(), ProblemResponse> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .ok_or_else(ProblemResponse::missing_token)?;
    let token = match header.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token,
        _ => return Err(ProblemResponse::invalid_token()),
    };
    let session = auth
        .session(token)
        .map_err(|_| ProblemResponse::invalid_token())?;
    match session.verify(&[SCOPE]).await {
        Ok(_) => Ok(()),
        // These two are about the caller, who is to know.
        Err(error) if error.is_unauthorized() => Err(ProblemResponse::invalid_token()),
        Err(error) if error.kind() == Some(ProblemKind::InsufficientScope) => {
            Err(ProblemResponse::insufficient_scope(SCOPE))
        }
        Err(error) => Err(failed(error)),
    }
}

/// What the caller is told of an answer that was meant for this service. Not the answer itself: that 401 is not about the
/// caller's token, nor that 403 about what the caller may do, and a client would draw the wrong conclusions.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` passes it")]
fn failed(error: ClientError) -> ProblemResponse {
    let wait_secs = error.retry_after().map_or(1, |wait| wait.as_secs());
    match error.status().map(|status| status.as_u16()) {
        // Away, or too busy, or it is this service that asks too often: the caller may try again, when it says.
        Some(429 | 503) => ProblemResponse::unavailable(u32::try_from(wait_secs).unwrap_or(u32::MAX)),
        None => {
            log(&format!("no answer: {error}"));
            ProblemResponse::unavailable(1)
        }
        // Here is something to be put right, by the operator and by nobody else.
        Some(_) => {
            let id = error.request_id().unwrap_or("unknown");
            log(&format!("the account of this service: {error} (request {id})"));
            ProblemResponse::internal()
        }
    }
}

/// Not by `eprintln!`, which panics when nobody reads standard error any more.
fn log(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::var("BOARD_ADDR").unwrap_or_else(|_| "127.0.0.1:8082".to_owned());
    // Whoever called this service can try again as well as it could, and knows better how long it may take.
    let auth = AuthClient::builder(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))
        .user_agent("board")
        .timeout(Duration::from_secs(5))
        .max_retries(0)
        .build()?;
    let board = Data::new(Board {
        notes: format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081")),
        account: Account::new(auth.clone(), Secret::from_env()?)?,
        auth,
    });
    let app = move || {
        App::new()
            .app_data(board.clone())
            .route("/board", web::get().to(show))
    };
    let server = HttpServer::new(app)
        .workers(2)
        .bind(&address)
        .with_context(|| format!("cannot listen on {}", address))?;
    for address in server.addrs() {
        let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    }
    Ok(server.run().await?)
}
