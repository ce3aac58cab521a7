use super::Answer;
use crate::client_arg::ClientArg;
use crate::confirm::{self, Confirmation};
use crate::database;
use anyhow::ensure;
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::delegation::clients;

/// Delete a client, with all that users have granted it, for good
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The client's name or client_id
    #[arg(value_parser = ClientArg::parse)]
    client: ClientArg,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    answer: Answer,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.confirmation.check()?;
    let mut connection = database::open(&args.database)?;
    let client = args.client.find_to_revoke(&mut connection)?;
    let question = format!(
        "Delete {}, with all that users have granted it, for good?",
        client.name
    );
    ensure!(args.confirmation.given(&question)?, confirm::NOT_CONFIRMED);
    let deleted = database::revoke(&mut connection, |connection| {
        clients::delete(connection, &AuditContext::cli(), client.id)
    })?;
    ensure!(deleted, args.client.nobody());
    args.answer.done("deleted", client)
}
