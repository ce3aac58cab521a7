use super::change::change;
use crate::output;
use crate::user_arg::UserArg;
use jeton_domain::{UserChanges, Username};
use jeton_http_kit::DatabaseSettings;

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
    let changes = UserChanges {
        username: Some(args.name.clone()),
        ..UserChanges::default()
    };
    let (before, after) = change(&args.database, &args.user, &changes)?;
    output::line(&format!("renamed {} to {}", before.username, after.username))
}
