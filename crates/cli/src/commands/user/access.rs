//! Whether a user may do anything at all.

use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::{Context, ensure};
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::{rate_limit, users};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user's name or id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn disable(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.user.find(&mut connection)?;
    let user = database::revoke(&mut connection, |connection| {
        users::disable(connection, &AuditContext::cli(), found.id)
    })?
    .with_context(|| args.user.nobody())?;
    output::line(&format!("disabled {}", user.username))
}

pub(crate) fn enable(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.user.find(&mut connection)?;
    let user = users::enable(&mut connection, &AuditContext::cli(), found.id)?
        .with_context(|| args.user.nobody())?;
    output::line(&format!("enabled {}", user.username))
}

pub(crate) fn unblock(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.user.find(&mut connection)?;
    let unblocked = rate_limit::unblock(&mut connection, &AuditContext::cli(), found.id)?;
    ensure!(unblocked, args.user.nobody());
    output::line(&format!("unblocked {}", found.username))
}
