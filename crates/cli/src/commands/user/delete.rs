use crate::confirm::{self, Confirmation};
use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::ensure;
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Delete a user, with all tokens, for good
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.confirmation.check()?;
    let mut connection = database::open(&args.database)?;
    let user = args.user.find_to_revoke(&mut connection)?;
    let question = format!("Delete {}, with all tokens, for good?", user.username);
    ensure!(args.confirmation.given(&question)?, confirm::NOT_CONFIRMED);
    let deleted = database::revoke(&mut connection, |connection| {
        users::delete(connection, &AuditContext::cli(), user.id)
    })?;
    ensure!(deleted, args.user.nobody());
    output::line(&format!("deleted {}", user.username))
}
