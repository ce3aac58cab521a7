use crate::observe::Observe;
use crate::{health, problems};
use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use jeton_persistence::Database;
use jeton_verifier::Verifier;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests may go on after the program was told to end, in seconds.
const SHUTDOWN_SECS: u64 = 10;

/// A service that has its port and is ready to [serve](Self::serve).
pub struct Running {
    /// Where it listens: with port 0 asked for, the port it was given.
    pub address: SocketAddr,
    server: Server,
    verifier: Verifier,
}

impl Running {
    /// Serves until the program is told to end (SIGINT, SIGTERM) and the requests under way are answered.
    ///
    /// # Errors
    /// The server could not start its threads.
    pub async fn serve(self) -> anyhow::Result<()> {
        let mut server = pin!(self.server);
        // The first poll starts the threads and takes the signals over. Only then may anybody be told that the service
        // is there: a signal that came before would end the program on the spot.
        if let Poll::Ready(ended) = poll_fn(|context| Poll::Ready(server.as_mut().poll(context))).await {
            return Ok(ended?);
        }
        tracing::info!("listening on http://{}", self.address);
        let ended = server.await;
        // The requests under way are answered: nobody needs to wait for this verifier any more.
        self.verifier.close().await;
        Ok(ended?)
    }
}

/// Starts an HTTP service: the routes of `configure`, together with what all services share: an id and a log line for
/// each request, `livez` and `readyz`, and problems for whatever nobody answers.
///
/// # Errors
/// The address is taken or not this machine's.
pub fn serve<F>(
    address: SocketAddr,
    setting: &str,
    database: Database,
    verifier: Verifier,
    configure: F,
) -> anyhow::Result<Running>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let data = (web::Data::new(database), web::Data::new(verifier.clone()));
    let app = move || {
        App::new()
            .wrap(Observe)
            .app_data(data.0.clone())
            .app_data(data.1.clone())
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
    Ok(Running {
        address,
        server: server.run(),
        verifier,
    })
}
