use crate::error::UsageError;
use crate::{database, output};
use anyhow::ensure;
use jeton_domain::{Initiator, TokenId};
use jeton_persistence::tokens;
use jeton_service::DatabaseSettings;
use uuid::Uuid;

/// Revoke a token, whosever it is
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The token's id, as `jeton token list` shows it
    // A text for clap, which would quote what is no id, and that may well be a token.
    id: String,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let id = Uuid::try_parse(&args.id)
        .map(TokenId)
        .map_err(|_| UsageError("not the id of a token; `jeton token list USERNAME` shows ids"))?;
    let mut connection = database::open(&args.database)?;
    let revoked = database::revoke(&mut connection, |connection| {
        tokens::revoke_by_operator(connection, &Initiator::cli(), id)
    })?;
    ensure!(revoked, "no token with the id {id}");
    output::line(&format!("revoked {id}"))
}
