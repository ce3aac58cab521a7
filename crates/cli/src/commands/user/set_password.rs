use crate::user_arg::UserArg;
use crate::{database, output, password};
use anyhow::ensure;
use jeton_domain::AuditContext;
use jeton_http_kit::{DatabaseSettings, PasswordArgs};
use jeton_persistence::users;

/// Set a user's password, and revoke all of the user's tokens
///
/// The password is asked for on the terminal, or read from the first line of standard input where that is not a
/// terminal.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// Turn a service account into a user who can sign in
    #[arg(long)]
    allow_sign_in: bool,

    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.user.find_for_sign_in(&mut connection)?;
    ensure!(
        !found.user.service || args.allow_sign_in,
        "\"{}\" is a service account, and a password would let it sign in; say --allow-sign-in if it is to",
        found.user.username
    );
    let hash = password::ask(&args.password, &found.user.username, found.user.email.as_deref())?;
    let set = database::revoke(&mut connection, |connection| {
        users::set_password(connection, &AuditContext::cli(), found.user.id, &hash)
    })?;
    ensure!(set, args.user.nobody());
    output::line(&format!(
        "set the password of {} and revoked all tokens",
        found.user.username
    ))
}
