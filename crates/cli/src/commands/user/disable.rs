use crate::{database, output};
use anyhow::Context;
use jeton_domain::{AuditContext, Username};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Keep a user out: no sign-in, and none of the user's tokens is accepted
///
/// The tokens are kept, and accepted again once the user is enabled. Twice does no harm.
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
    let user = database::revoke(&mut connection, |connection| {
        users::disable(connection, &AuditContext::cli(), found.id)
    })?
    .with_context(|| database::no_user(&args.name))?;
    output::line(&format!("disabled {}", user.username))
}
