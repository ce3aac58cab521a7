use crate::metrics::{self, Metrics, MetricsAddress, RequestMetrics};
use crate::observe::Observe;
use crate::{ProxyArgs, health, problems};
use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use jeton_persistence::Database;
use jeton_verifier::Verifier;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
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
    metrics: Option<metrics::Server>,
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
        let metrics = self.metrics.map(metrics::Server::start);
        tracing::info!("listening on http://{}", self.address);
        let ended = server.await;
        // The requests under way are answered: nobody needs to wait for this verifier any more.
        self.verifier.close().await;
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        Ok(ended?)
    }
}

/// What an HTTP service consists of, besides its routes.
pub struct Service {
    /// Where it listens, and the setting that says so.
    pub address: (SocketAddr, &'static str),
    /// Where it tells its metrics.
    pub metrics_address: MetricsAddress,
    /// Metrics of its own.
    pub metrics: Metrics,
    /// Whose word is taken on where requests come from.
    pub proxies: ProxyArgs,
    /// What `readyz` looks at.
    pub database: Database,
    /// Given back when the service ends.
    pub verifier: Verifier,
}

/// Starts an HTTP service: the routes of `configure`, together with what all services share: an id and a log line for
/// each request, metrics, `livez` and `readyz`, and problems for whatever nobody answers.
///
/// # Errors
/// An address is taken or not this machine's.
pub fn serve<F>(service: Service, configure: F) -> anyhow::Result<Running>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Service {
        address: (address, setting),
        metrics_address: MetricsAddress(metrics_address),
        mut metrics,
        proxies,
        database,
        verifier,
    } = service;
    let requests = Arc::<RequestMetrics>::default();
    metrics.add_requests(requests.clone());
    metrics.add_database(database.clone());
    metrics.add_verifier(verifier.clone());
    let data = (web::Data::new(database), web::Data::new(verifier.clone()));
    let proxies = proxies.configure();
    let app = move || {
        let metrics = requests.clone();
        App::new()
            .wrap(Observe { metrics })
            .app_data(data.0.clone())
            .app_data(data.1.clone())
            .configure(proxies.clone())
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
    let metrics = metrics_address.map(|address| metrics::serve(address, metrics.registry));
    Ok(Running {
        address,
        server: server.run(),
        metrics: metrics.transpose()?,
        verifier,
    })
}
