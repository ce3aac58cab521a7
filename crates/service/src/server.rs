use crate::{health, problems};
use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, HttpServer, web};
use anyhow::Context;
use jeton_persistence::Database;
use std::net::SocketAddr;
use std::time::Duration;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RootSpanBuilder, TracingLogger};

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests may go on after the program was told to end, in seconds.
const SHUTDOWN_SECS: u64 = 10;

/// A service that has its port and serves as soon as `server` is awaited, until it is told to end.
pub struct Running {
    /// Where it listens: with port 0 asked for, the port it was given.
    pub address: SocketAddr,
    /// Serves.
    pub server: Server,
}

/// Starts an HTTP service: the routes of `configure`, together with what all services share: one log line a request,
/// `livez` and `readyz`, and problems for whatever nobody answers.
///
/// # Errors
/// The address is taken or not this machine's.
pub fn serve<F>(
    address: SocketAddr,
    setting: &str,
    database: Database,
    configure: F,
) -> anyhow::Result<Running>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let database = web::Data::new(database);
    let app = move || {
        App::new()
            .wrap(TracingLogger::<RequestSpan>::new())
            .app_data(database.clone())
            .configure(problems::configure)
            .configure(health::configure)
            .configure(configure.clone())
            .default_service(web::to(problems::not_found))
    };
    let server = HttpServer::new(app)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(SHUTDOWN_SECS)
        .bind(address)
        .with_context(|| format!("cannot listen on {address}; another address can be set with {setting}"))?;
    let address = *server.addrs().first().context("no address was bound")?;
    tracing::info!("listening on http://{address}");
    Ok(Running {
        address,
        server: server.run(),
    })
}

/// What the log says of a request. No header and no query: they may hold what should not be kept.
struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = request.match_pattern().unwrap_or_else(|| "-".to_owned());
        tracing::info_span!("request", method = %request.method(), route, status = Empty, user_id = Empty, token_id = Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().error_response().status(),
        };
        span.record("status", status.as_u16());
        span.in_scope(|| tracing::info!("answered"));
    }
}
