use crate::{database, output};
use anyhow::Context;
use jeton_domain::{AuditContext, Username};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Let a disabled user in again, with the tokens from before
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name
    #[arg(value_parser = Username::parse)]
    name: Username,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = database::find_user(&mut connection, &args.name)?;
    let user = users::enable(&mut connection, &AuditContext::cli(), found.id)?
        .with_context(|| database::no_user(&args.name))?;
    output::line(&format!("enabled {}", user.username))
}
