use crate::http_args::METRICS_ADDRESS;
use crate::{problems, trailing_slash};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// More are not answered at a time: one Prometheus asks, or a few.
const CONNECTIONS: usize = 25;

/// Where metrics are told, until the last handle is stopped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) server: actix_web::dev::Server,
}

impl Server {
    /// Starts to answer, in the background of the runtime.
    pub(crate) fn start(self) -> ServerHandle {
        let handle = self.server.handle();
        actix_web::rt::spawn(self.server);
        tracing::info!("metrics on http://{}/metrics", self.address);
        handle
    }
}

/// Takes the port.
pub(crate) fn serve(address: SocketAddr, registry: Registry) -> anyhow::Result<Server> {
    let registry = Arc::new(registry);
    let app = move || {
        App::new()
            .wrap(from_fn(trailing_slash::dropped))
            .app_data(Data::from(registry.clone()))
            .service(
                web::resource("/metrics")
                    .route(problems::get_or_head().to(metrics))
                    .default_service(problems::method_not_allowed("GET, HEAD")),
            )
            .default_service(web::to(problems::not_found))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .max_connections(CONNECTIONS)
        .client_request_timeout(Duration::from_secs(5))
        .bind(address)
        .with_context(|| {
            format!("cannot tell metrics on {address}; {METRICS_ADDRESS} can set another address, or `off`")
        })?;
    let address = *server.addrs().first().context("no address was bound")?;
    Ok(Server {
        address,
        server: server.run(),
    })
}

async fn metrics(registry: Data<Registry>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
