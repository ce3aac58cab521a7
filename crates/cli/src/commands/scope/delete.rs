use crate::{database, output};
use anyhow::ensure;
use jeton_domain::AuditContext;
use jeton_domain::printable::escape;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::delegation::scopes;

/// Let users give a scope to clients no longer
///
/// What they have given stays: `jeton client set-scopes` takes it from a client.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scope, as `jeton scope list` shows it
    name: String,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let deleted = scopes::delete(&mut connection, &AuditContext::cli(), &args.name)?;
    let name = escape(&args.name);
    ensure!(deleted, "users may not give {name}");
    output::line(&format!("deleted {name}"))
}
