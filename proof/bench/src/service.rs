//! The service under load: one handler, one answer, and a path for each way to check the token before it.

use crate::jwt::{Jwt, JwtKeys};
use crate::redis_server::Session;
use crate::role::{database_url, tell};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{ServiceConfig, get};
use actix_web::{App, HttpResponse, HttpServer, Route};
use anyhow::Context;
use jeton_coherence::lookups;
use jeton_domain::PlainToken;
use jeton_persistence::{Database, DatabaseUrl, PoolSettings};
use jeton_verifier::actix::Guard;
use jeton_verifier::{Verifier, VerifierSettings, bearer_token};
use jsonwebtoken::Algorithm;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::OnceCell;

const ANSWER: &str =
    r#"{"notes":[{"title":"Milk","body":"two bottles"},{"title":"Bread","body":"rye"}],"next":null}"#;

/// How the service is started.
#[derive(Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) workers: usize,
    pub(crate) contenders: Contenders,
}

/// Whom it serves. A service without Jeton has none of its threads, either.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Contenders {
    Jeton,
    Others(Others),
}

/// What the other contenders need.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Others {
    pub(crate) jwt: JwtKeys,
    pub(crate) introspection: SocketAddr,
    pub(crate) redis: Option<String>,
}

/// Serves until the process is ended; tells the parent its address.
pub(crate) async fn run(config: Service) -> anyhow::Result<()> {
    let url = DatabaseUrl::parse(&database_url()?)?;
    let guard = match config.contenders {
        Contenders::Jeton => Some(Guard::new(
            Verifier::connect(VerifierSettings::new(url.clone())).await?,
        )),
        Contenders::Others(_) => None,
    };
    let database = Database::new(url, PoolSettings::default());
    let server = HttpServer::new(move || {
        let (guard, contenders, database) = (guard.clone(), config.contenders.clone(), database.clone());
        App::new().configure(|config| match (guard, contenders) {
            (Some(guard), _) => {
                config.route("/jeton", get().to(answer).wrap(guard));
            }
            (None, Contenders::Others(others)) => configure_others(config, &others, database),
            (None, Contenders::Jeton) => {}
        })
    });
    let server = server
        .workers(config.workers)
        // A logout may wait for a lease, and connections to verifiers meanwhile.
        .keep_alive(Duration::from_secs(60))
        // And the first request, while other services start.
        .client_request_timeout(Duration::ZERO)
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
    tell(server.addrs().first().context("no address was bound")?)?;
    Ok(server.run().await?)
}

async fn answer() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(ANSWER)
}

/// Each worker has its own of everything but the pool, so that none waits for another's thread.
fn configure_others(config: &mut ServiceConfig, others: &Others, database: Database) {
    config
        .route("/open", get().to(answer))
        .route("/pooled", checked(Check::Pooled(database)))
        .route(
            "/hs256",
            checked(Check::Signed(others.jwt.checking(Algorithm::HS256))),
        )
        .route(
            "/es256",
            checked(Check::Signed(others.jwt.checking(Algorithm::ES256))),
        )
        .route(
            "/introspection",
            checked(Check::Introspection {
                client: http_client().ok(),
                url: format!("http://{}/introspect", others.introspection),
            }),
        );
    if let Some(client) = others
        .redis
        .as_deref()
        .and_then(|url| redis::Client::open(url).ok())
    {
        config.route(
            "/redis",
            checked(Check::Redis {
                client,
                connection: OnceCell::new(),
            }),
        );
    }
}

/// It will never speak TLS, but does not start without knowing how.
fn http_client() -> anyhow::Result<reqwest::Client> {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()?)
}

enum Check {
    Pooled(Database),
    Signed(Jwt),
    Redis {
        client: redis::Client,
        connection: OnceCell<MultiplexedConnection>,
    },
    Introspection {
        client: Option<reqwest::Client>,
        url: String,
    },
}

/// The handler with a check before it, wrapped as the guard is.
fn checked(check: Check) -> Route {
    let check = Rc::new(check);
    get().to(answer).wrap(from_fn(move |request, next| {
        let check = check.clone();
        async move { check.before(request, next).await }
    }))
}

impl Check {
    async fn before<B: MessageBody>(
        &self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        let header = request.headers().get(AUTHORIZATION);
        let token = header.and_then(|header| bearer_token(header.as_bytes()).ok());
        let token = token.ok_or_else(|| ErrorUnauthorized("no token"))?;
        match self.passes(token).await {
            Ok(true) => next.call(request).await,
            Ok(false) => Err(ErrorUnauthorized("not a valid token")),
            Err(error) => Err(ErrorInternalServerError(error)),
        }
    }

    async fn passes(&self, token: &str) -> anyhow::Result<bool> {
        match self {
            Self::Pooled(database) => {
                let Ok(digest) = PlainToken::digest_of(token) else {
                    return Ok(false);
                };
                let found = database
                    .run(move |c| c.wait(async |c| lookups::find_valid(c, &[digest]).await))
                    .await?;
                Ok(found.into_iter().any(|(_, token)| token.is_ok()))
            }
            Self::Signed(jwt) => Ok(jwt.verify(token)),
            Self::Redis { client, connection } => {
                let connect = || client.get_multiplexed_async_connection();
                let mut connection = connection.get_or_try_init(connect).await?.clone();
                let value: Option<Vec<u8>> = connection.get(Session::key(token)).await?;
                Ok(value.is_some_and(|value| Session::is_valid(&value)))
            }
            Self::Introspection { client, url } => {
                let client = client.as_ref().context("no HTTP client")?;
                let answer = client.post(url).form(&[("token", token)]).send().await?;
                Ok(answer.json::<crate::introspection::Introspection>().await?.active)
            }
        }
    }
}
