#![doc = include_str!("../README.md")]

mod error;
mod hasher;
mod login_token;
mod routes;
mod settings;
mod state;
mod validation;
mod wire;

pub use settings::Settings;

use jeton_persistence::{Database, PoolSettings};
use jeton_service::{Running, check_migrated, serve};
use jeton_verifier::{Verifier, VerifierSettings};

/// Starts the service: ready to be awaited when it has its port and has seen that the database is up to date.
///
/// # Errors
/// A setting that cannot be used, a database that is away or not up to date, a port that is taken.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    let url = settings.database.database_url()?;
    let database = Database::new(url.clone(), PoolSettings::default());
    check_migrated(&database).await?;
    let verifier = Verifier::connect(VerifierSettings::new(url)).await?;
    let state = state::State::new(&settings, database.clone(), verifier);
    serve(
        settings.address,
        "JETON_AUTH_ADDR",
        database,
        routes::configure(state),
    )
}
