#![doc = include_str!("../README.md")]

mod migrations;
mod notes;
mod open;
mod schema;
mod settings;

pub mod store;

pub use jeton_persistence::DatabaseUrl;
pub use migrations::migrate;
pub use settings::{Command, Settings};

use actix_web::web::{Data, ServiceConfig, delete, post, put, resource};
use jeton_http_kit::{
    Metrics, Page, Running, Service, check_migrated, field_names, get_or_head, method_not_allowed, serve,
    taking, without_body,
};
use jeton_persistence::{Database, PoolSettings};
use jeton_verifier::actix::Guard;
use jeton_verifier::{ProtectedResource, Verifier};

/// Starts the service: ready to be awaited when it has its port and has seen that the database is up to date.
///
/// # Errors
/// A setting that cannot be used, a database that is away or not up to date, a port that is taken.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    let url = settings.database.database_url()?;
    let resource = settings.protected_resource()?;
    check_migrated(&url).await?;
    // It revokes nothing: one for `readyz` is enough.
    let pool = PoolSettings {
        reserved: 1,
        ..PoolSettings::default()
    };
    let database = Database::new(url.clone(), pool);
    anyhow::ensure!(
        database.run(migrations::is_migrated).await?,
        "the demo's tables are not there, not up to date, or not for this role; \
        run `jeton-resource-api migrate --grant ROLE` as the owner of the database"
    );
    let verifier = Verifier::connect(settings.verifier.settings(url)).await?;
    let routes = configure(Guard::new(verifier.clone()), resource, database.clone());
    let service = Service {
        address: (settings.address, settings::ADDRESS),
        metrics: Metrics::new("jeton-resource-api", env!("CARGO_PKG_VERSION")),
        http: settings.http,
        database: Some(database),
        verifier: Some(verifier),
        without_cors: &[],
    };
    serve(service, routes)
}

/// All that a service does to be protected: a guard before what needs a token, and the scopes it needs; and its metadata, where
/// it has a name for apps. And what a query may have, so that a slip is told.
fn configure(
    guard: Guard,
    protected: Option<ProtectedResource>,
    database: Database,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let guard = match &protected {
        Some(protected) => guard.resource(protected),
        None => guard,
    };
    let (read, write) = (guard.requiring("notes:read"), guard.requiring("notes:write"));
    let page = field_names::<Page>().unwrap_or_default();
    move |config| {
        if let Some(protected) = &protected {
            config.service(protected.clone());
        }
        config
            .app_data(Data::new(database.clone()))
            .service(
                resource("/public")
                    .route(taking(&[], get_or_head().to(open::public)))
                    .default_service(method_not_allowed("GET, HEAD")),
            )
            .service(
                resource("/whoami")
                    .route(taking(&[], get_or_head().to(open::who_am_i)).wrap(guard.clone()))
                    .default_service(method_not_allowed("GET, HEAD")),
            )
            .service(
                resource("/notes")
                    .route(taking(page, get_or_head().to(notes::list)).wrap(read.clone()))
                    .route(taking(&[], post().to(notes::create)).wrap(write.clone()))
                    .default_service(method_not_allowed("GET, HEAD, POST")),
            )
            .service(
                resource("/notes/{id}")
                    .route(taking(&[], get_or_head().to(notes::show)).wrap(read.clone()))
                    .route(taking(&[], put().to(notes::replace)).wrap(write.clone()))
                    .route(taking(&[], without_body(delete().to(notes::delete))).wrap(write.clone()))
                    .default_service(method_not_allowed("GET, HEAD, PUT, DELETE")),
            );
    }
}
