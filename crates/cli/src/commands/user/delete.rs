use crate::error::UsageError;
use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::{Context, ensure};
use jeton_domain::AuditContext;
use jeton_domain::printable::escape;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;
use std::io::{IsTerminal, Write};

/// Delete a user, with all tokens, for good
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// Do not ask; needed where standard input is not a terminal
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if !args.yes && !std::io::stdin().is_terminal() {
        return Err(
            UsageError("there is no terminal to ask on; say --yes to delete without being asked").into(),
        );
    }
    let mut connection = database::open(&args.database)?;
    let user = args.user.find_to_revoke(&mut connection)?;
    ensure!(
        args.yes || confirmed(&user.username)?,
        "not confirmed; nothing was deleted"
    );
    let deleted = database::revoke(&mut connection, |connection| {
        users::delete(connection, &AuditContext::cli(), user.id)
    })?;
    ensure!(deleted, args.user.nobody());
    output::line(&format!("deleted {}", user.username))
}

fn confirmed(name: &str) -> anyhow::Result<bool> {
    let mut stderr = std::io::stderr();
    let name = escape(name);
    write!(stderr, "Delete {name}, with all tokens, for good? [y/N] ")
        .and_then(|()| stderr.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    if !answer.ends_with('\n') {
        // What is said next is to stand on a line of its own.
        output::note("");
    }
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
