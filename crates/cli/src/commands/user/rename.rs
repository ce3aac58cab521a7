use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::Context;
use jeton_domain::{AuditContext, UserChanges, Username};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Give a user another name to sign in with
///
/// The tokens stay, and every service knows the new name once this is done. The old name is anybody's then.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// The name from now on: 3 to 64 letters, digits and . _ - @ +
    #[arg(value_parser = Username::parse)]
    name: Username,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let before = args.user.find(&mut connection)?;
    let changes = UserChanges {
        username: Some(args.name.clone()),
        ..UserChanges::default()
    };
    let user = database::revoke(&mut connection, |connection| {
        users::change(connection, &AuditContext::cli(), before.id, &changes)
    })?
    .with_context(|| args.user.nobody())?;
    output::line(&format!("renamed {} to {}", before.username, user.username))
}
