use crate::{database, output};
use anyhow::ensure;
use jeton_domain::AuditContext;
use jeton_domain::printable::escape;
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::delegation::scopes;

/// Let users give a scope to clients no longer
///
/// What they have given stays: `jeton client set-scopes` takes it from a client.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scope, as `jeton scope list` shows it
    name: String,

    /// Taken as by other deletions; nothing is asked, for nothing is taken from anybody
    #[arg(long = "yes")]
    _yes: bool,

    /// Answer in JSON: the scope, as over HTTP
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let mut stored = scopes::list_stored(&mut connection)?.into_iter();
    let found = stored.find(|scope| scope.name == args.name);
    let deleted = scopes::delete(&mut connection, &AuditContext::cli(), &args.name)?;
    let name = escape(&args.name);
    ensure!(deleted, "users may not give {name}");
    if args.json {
        return output::json(&found.map(wire::stored_scope));
    }
    output::line(&format!("deleted {name}"))
}
