use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::Context;
use jeton_domain::{AuditContext, Email, UserChanges};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

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
    let mut connection = database::open(&args.database)?;
    let found = args.user.find(&mut connection)?;
    let changes = UserChanges {
        email: Some(args.email.clone()),
        ..UserChanges::default()
    };
    let user = database::revoke(&mut connection, |connection| {
        users::change(connection, &AuditContext::cli(), found.id, &changes)
    })?
    .with_context(|| args.user.nobody())?;
    let address = user.email.as_deref().unwrap_or("none");
    output::line(&format!(
        "{} now has the e-mail address: {address}",
        user.username
    ))
}
