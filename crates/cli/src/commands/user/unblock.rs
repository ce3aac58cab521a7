use crate::{database, output};
use anyhow::ensure;
use jeton_domain::{AuditContext, Username};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::rate_limit;

/// Forget a user's failed sign-ins, so that the next one is let through at once
///
/// Services know of it within a second. From a network that too many have failed from, under whatever names, none is let
/// through all the same: that passes within the hour, or by `jeton network unblock`.
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
    let unblocked = rate_limit::unblock(&mut connection, &AuditContext::cli(), found.id)?;
    ensure!(unblocked, database::no_user(&args.name));
    output::line(&format!("unblocked {}", found.username))
}
