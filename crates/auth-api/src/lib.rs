#![doc = include_str!("../README.md")]

mod acts;
mod audit_context;
mod cleanup;
mod delegation;
mod docs;
mod endpoint;
mod error;
mod hasher;
mod login_token;
mod metrics;
mod pages;
mod rate_limit;
mod revoked_token;
mod routes;
mod settings;
mod state;
mod validation;
mod verifier_watch;
mod wire;

pub use delegation::Issuer;
pub use docs::openapi;
pub use pages::PagesUrl;
pub use settings::Settings;

use crate::metrics::{CleanupMetrics, RevocationMetrics};
use jeton_domain::BcryptCost;
use jeton_http_kit::{BCRYPT_COST, Metrics, Running, Service, check_migrated, serve};
use jeton_persistence::cleanup::Cleanup;
use jeton_persistence::{Database, PoolSettings, users};
use jeton_revoker::Barrier;

use jeton_verifier::Verifier;

/// Starts the service: ready to be awaited when it has its port and has seen that the database is up to date.
///
/// # Errors
/// A setting that cannot be used, a database that is away or not up to date, a port that is taken.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    let url = settings.database.database_url()?;
    check_migrated(&url).await?;
    let database = Database::new(url.clone(), PoolSettings::default());
    let verifier = Verifier::connect(settings.verifier.settings(url.clone())).await?;
    let barrier = Barrier::start(url)?;
    let highest_cost = database.run(users::highest_bcrypt_cost).await?;
    let highest_cost = highest_cost.and_then(|cost| BcryptCost::new(cost).ok());
    if highest_cost > Some(settings.passwords.bcrypt_cost) {
        tracing::warn!(
            "{BCRYPT_COST} is lower than that of stored hashes: sign-ins take the time of the highest"
        );
    }
    let mut metrics = Metrics::new("jeton-auth-api", env!("CARGO_PKG_VERSION"));
    let state = state::State::new(
        &settings,
        database.clone(),
        verifier.clone(),
        barrier,
        RevocationMetrics::register(&mut metrics),
        highest_cost,
    );
    metrics::register_hasher(&mut metrics, state.hasher.clone());
    state.delegation.register(&mut metrics);
    metrics::register_rate_limits(&mut metrics, state.rate_limits.clone());
    let cleanup_metrics = CleanupMetrics::register(&mut metrics);
    verifier_watch::start(&mut metrics, database.clone());
    let cleanup = Cleanup::new(settings.audit_retention.0).delegated_ttl(settings.access_token_ttl.0);
    cleanup::start(database.clone(), cleanup, cleanup_metrics);
    let service = Service {
        address: (settings.address, settings::ADDRESS),
        metrics,
        http: settings.http,
        database: Some(database),
        verifier: Some(verifier),
        without_cors: &pages::PATHS,
    };
    serve(service, routes::configure(state))
}
