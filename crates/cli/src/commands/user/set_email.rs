use super::change::change;
use crate::output;
use crate::user_arg::UserArg;
use jeton_domain::{Email, UserChanges};
use jeton_http_kit::DatabaseSettings;

/// Set where a user may be reached, in place of what it was
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// The e-mail address
    #[arg(required_unless_present = "no_email", value_parser = Email::parse)]
    email: Option<Email>,

    /// Have no address at all
    #[arg(long, conflicts_with = "email")]
    no_email: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let changes = UserChanges {
        email: Some(args.email.clone()),
        ..UserChanges::default()
    };
    let (_, after) = change(&args.database, &args.user, &changes)?;
    let address = after.email.as_deref().unwrap_or("none");
    output::line(&format!(
        "{} now has the e-mail address: {address}",
        after.username
    ))
}
