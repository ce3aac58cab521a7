use crate::{database, output};
use jeton_domain::delegation::{DelegableScope, Resource};
use jeton_domain::{AuditContext, Scope};
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::delegation::scopes;

/// Let users give a scope to clients, and say in what words they are asked
///
/// For a scope that they may give already, this is what is said of it from then on.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scope, as notes:read
    #[arg(value_parser = Scope::parse)]
    name: Scope,

    /// What it lets a program do, in a few words, as "Read your notes"
    #[arg(long, value_name = "TEXT")]
    title: String,

    /// The same in a sentence or two
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,

    /// The resource that it belongs to: an absolute URI (RFC 8707); unless said, to any
    #[arg(long, value_name = "URI", value_parser = Resource::parse)]
    resource: Option<Resource>,

    /// Answer in JSON: the scope, as over HTTP
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let scope = DelegableScope::new(args.name, &args.title, &args.description, args.resource)?;
    let mut connection = database::open(&args.database)?;
    scopes::set(&mut connection, &AuditContext::cli(), &scope)?;
    if args.json {
        return output::json(&wire::delegable_scope(scope));
    }
    output::line(&format!("set {}: {}", scope.name.as_str(), scope.title))
}
