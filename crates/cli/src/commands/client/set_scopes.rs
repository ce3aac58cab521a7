use super::Answer;
use crate::client_arg::ClientArg;
use crate::{database, output, scopes};
use anyhow::Context;
use jeton_domain::delegation::check_scopes;
use jeton_domain::{AuditContext, Scope};
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::delegation::clients;

/// Set what a client's tokens may do at the most, in place of what it was
///
/// Where that is less than before, the access tokens that the client has are revoked; it refreshes those that it still may
/// have.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The client's name or client_id
    #[arg(value_parser = ClientArg::parse)]
    client: ClientArg,

    /// All the scopes that it may ask for, as notes:read
    #[arg(required_unless_present = "no_scopes", value_parser = Scope::parse)]
    scopes: Vec<Scope>,

    /// May ask for no scope at all
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,

    #[command(flatten)]
    answer: Answer,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = scopes::set(&args.scopes)?;
    check_scopes(&wanted)?;
    let mut connection = database::open(&args.database)?;
    let found = args.client.find(&mut connection)?;
    let client = database::revoke(&mut connection, |connection| {
        clients::set_scopes(connection, &AuditContext::cli(), found.id, &wanted)
    })?
    .with_context(|| args.client.nobody())?;
    if args.answer.json {
        return output::json(&wire::client(client));
    }
    output::line(&format!(
        "{} now has the scopes: {}",
        client.name,
        scopes::describe(&client.scopes)
    ))
}
