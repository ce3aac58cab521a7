use crate::user_arg::UserArg;
use crate::{database, output, scopes};
use anyhow::Context;
use jeton_domain::{AuditContext, Scope};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Set what a user's tokens may do at the most, in place of what it was
///
/// A token keeps the scopes it was issued for; it may do what it and its user hold in common.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// All the scopes that the user is to hold, as notes:read
    #[arg(required_unless_present = "no_scopes", value_parser = Scope::parse)]
    scopes: Vec<Scope>,

    /// Hold no scope at all
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = scopes::set(&args.scopes)?;
    let mut connection = database::open(&args.database)?;
    let found = args.user.find(&mut connection)?;
    let user = database::revoke(&mut connection, |connection| {
        users::set_scopes(connection, &AuditContext::cli(), found.id, &wanted)
    })?
    .with_context(|| args.user.nobody())?;
    output::line(&format!(
        "{} now has the scopes: {}",
        user.username,
        scopes::describe(&user.scopes)
    ))
}
