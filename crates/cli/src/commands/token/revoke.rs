use crate::error::UsageError;
use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::ensure;
use jeton_domain::{AuditContext, TokenId};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::{PgConnection, tokens};
use uuid::Uuid;

/// Revoke a token, whosever it is, or all of a user's
#[derive(clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["id", "all_of"])]
pub(crate) struct Args {
    /// The token's id, as `jeton token list` shows it
    // A text for clap, which would quote what is no id, and that may well be a token.
    id: Option<String>,

    /// All tokens of this user, by name or id: those from signing in and those for programs
    #[arg(long, value_name = "USER", value_parser = UserArg::parse)]
    all_of: Option<UserArg>,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let id = args.id.as_deref().map(token_id).transpose()?;
    let mut connection = database::open(&args.database)?;
    if let Some(id) = id {
        revoke(&mut connection, id)?;
    }
    if let Some(user) = &args.all_of {
        revoke_all(&mut connection, user)?;
    }
    Ok(())
}

fn token_id(text: &str) -> Result<TokenId, UsageError> {
    let refused = UsageError("not the id of a token; `jeton token list USERNAME` shows ids");
    Uuid::try_parse(text).map(TokenId).map_err(|_| refused)
}

fn revoke(connection: &mut PgConnection, id: TokenId) -> anyhow::Result<()> {
    let revoked = database::revoke(connection, |connection| {
        tokens::revoke_by_operator(connection, &AuditContext::cli(), id)
    })?;
    ensure!(revoked, "no token with the id {id}");
    output::line(&format!("revoked {id}"))
}

fn revoke_all(connection: &mut PgConnection, user: &UserArg) -> anyhow::Result<()> {
    let user = user.find(connection)?;
    let revoked = database::revoke(connection, |connection| {
        tokens::revoke_all(connection, &AuditContext::cli(), user.id)
    })?;
    output::line(&format!("revoked {revoked} of {}", user.username))
}
