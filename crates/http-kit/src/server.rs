use crate::cors::{left_out, refusals_as_problems};
use crate::health::Needs;
use crate::http_args::MAX_CONNECTIONS;
use crate::metrics::{self, Metrics, RequestMetrics};
use crate::observe::Observe;
use crate::shutdown::{Ending, Signals};
use crate::{HttpArgs, body, connections, health, log_writer, problems, trailing_slash};
use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::rt::{spawn, time};
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use futures_util::future::{Either, select};
use jeton_persistence::Database;
use jeton_verifier::Verifier;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};

/// A service that has its port and is ready to [serve](Self::serve).
pub struct Running {
    /// Where it listens: with port 0 asked for, the port it was given.
    pub address: SocketAddr,
    server: Server,
    metrics: Option<metrics::Server>,
    verifier: Option<Verifier>,
    ending: Ending,
    grace: Duration,
}

impl Running {
    /// Where it tells its metrics, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.address)
    }

    /// Serves until the program is told to end (SIGTERM, SIGINT), and then ends as [`serve_until`](Self::serve_until) says.
    /// A second signal ends the program on the spot.
    ///
    /// # Errors
    /// The server could not start its threads, or the signals cannot be taken over.
    pub async fn serve(self) -> anyhow::Result<()> {
        // Before anybody is told that the service is there: a signal would end the program on the spot.
        let mut signals = Signals::take_over()?;
        let (tell, told) = oneshot::channel();
        let mut serving = pin!(self.serve_until(told));
        match select(pin!(signals.next()), serving.as_mut()).await {
            Either::Left((signal, _)) => {
                let _ = tell.send(());
                say(signal, "ending; again, and it ends at once");
            }
            Either::Right((ended, _)) => return ended,
        }
        match select(serving, pin!(signals.next())).await {
            Either::Left((ended, _)) => ended,
            Either::Right((signal, _)) => {
                say(signal, "ending at once");
                log_writer::flush();
                // Whatever is under way: not even its threads are waited for.
                std::process::exit(1)
            }
        }
    }

    /// Serves until `told` is ready. Then `readyz` says so, and the service goes on for as long as `JETON_SHUTDOWN_GRACE`
    /// says; then it takes no more connections, and the requests under way have `JETON_SHUTDOWN_TIMEOUT` to be answered.
    ///
    /// # Errors
    /// The server could not start its threads.
    pub async fn serve_until(self, told: impl Future) -> anyhow::Result<()> {
        let handle = self.server.handle();
        let server = spawn(self.server);
        let metrics = self.metrics.map(metrics::Server::start);
        tracing::info!("listening on http://{}", self.address);
        let server = match select(pin!(told), server).await {
            Either::Left((_, server)) => server,
            Either::Right((ended, _)) => return Ok(ended??),
        };
        self.ending.begin();
        time::sleep(self.grace).await;
        handle.stop(true).await;
        // The requests under way are answered: nobody needs to wait for this verifier any more.
        if let Some(verifier) = self.verifier {
            verifier.close().await;
        }
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        server.await??;
        tracing::info!("ended in order");
        Ok(())
    }
}

fn say(signal: &str, what: &str) {
    tracing::info!("{signal}: {what}");
}

/// What an HTTP service consists of, besides its routes.
pub struct Service {
    /// Where it listens, and the setting that says so.
    pub address: (SocketAddr, &'static str),
    /// Metrics of its own.
    pub metrics: Metrics,
    /// How it treats those who connect to it.
    pub http: HttpArgs,
    /// What it keeps its data in, if it does; `readyz` looks at it.
    pub database: Option<Database>,
    /// What it checks tokens with, if it does; `readyz` looks at it, and its lease is given back when the service ends.
    pub verifier: Option<Verifier>,
    /// The paths of pages that people come to, and pages of other origins have no business with: none may read them.
    pub without_cors: &'static [&'static str],
}

/// Starts an HTTP service: the routes of `configure`, together with what all services share: an id and a log line for
/// each request, metrics, CORS, limits, `livez` and `readyz`, and problems for whatever nobody answers.
///
/// # Errors
/// An address is taken or not this machine's.
pub fn serve<F>(service: Service, configure: F) -> anyhow::Result<Running>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Service {
        address: (address, setting),
        mut metrics,
        http,
        database,
        verifier,
        without_cors,
    } = service;
    http.proxies.warn();
    let requests = Arc::<RequestMetrics>::default();
    metrics.add_requests(requests.clone());
    metrics.add_log();
    if let Some(database) = database.clone() {
        metrics.add_database(database);
    }
    if let Some(verifier) = verifier.clone() {
        metrics.add_verifier(verifier);
    }
    let ending = Ending::default();
    let needs = web::Data::new(Needs {
        database,
        verifier: verifier.clone(),
        ending: ending.clone(),
        last_look: Mutex::default(),
    });
    let (proxies, body, cors) = (
        http.proxies.configure(),
        body::Timeout(http.client_timeout()),
        http.cors.clone(),
    );
    let app = move || {
        let metrics = requests.clone();
        App::new()
            // What is wrapped last is asked first.
            .wrap(Condition::new(cors.is_some(), cors.middleware()))
            .wrap(Condition::new(cors.is_some(), from_fn(refusals_as_problems)))
            .wrap(Condition::new(
                cors.is_some(),
                from_fn(move |request, next| left_out(without_cors, request, next)),
            ))
            .wrap(Observe { metrics })
            .wrap(from_fn(trailing_slash::dropped))
            .app_data(needs.clone())
            .app_data(body)
            .configure(proxies.clone())
            .configure(problems::configure)
            .configure(health::configure)
            .configure(configure.clone())
            .default_service(web::to(problems::not_found))
    };
    let most = most_connections(&http);
    // The limit is each thread's.
    let threads = available_parallelism().map_or(1, usize::from).min(most);
    let limits = connections::Limits {
        free_for: http.keep_alive() + http.client_timeout(),
        of_thread: most / threads,
        proxies: http.proxies.trusted(),
    };
    let server = HttpServer::new(app)
        .workers(threads)
        .max_connections(most / threads)
        .client_request_timeout(http.client_timeout())
        .keep_alive(http.keep_alive())
        .on_connect(connections::note(limits))
        .shutdown_timeout(http.shutdown_secs())
        .disable_signals()
        .bind(address)
        .with_context(|| format!("cannot listen on {address}; another address can be set with {setting}"))?;
    let address = *server.addrs().first().context("no address was bound")?;
    let metrics = http
        .metrics_address
        .0
        .map(|address| metrics::serve(address, metrics.registry));
    Ok(Running {
        address,
        server: server.run(),
        metrics: metrics.transpose()?,
        verifier,
        ending,
        grace: http.shutdown_grace(),
    })
}

/// [`HttpArgs::connections`]; where they are fewer than is set, the log says so.
fn most_connections(http: &HttpArgs) -> usize {
    let wanted = http.max_connections.0 as usize;
    let most = http.connections();
    if most < wanted {
        tracing::info!(
            "serving {most} connections at a time, not {MAX_CONNECTIONS} ({wanted}): there are no more file \
            descriptors to be had (ulimit -n)"
        );
    }
    most
}
