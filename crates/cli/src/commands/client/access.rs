//! Whether a client gets tokens at all.

use super::Args;
use crate::database;
use anyhow::Context;
use jeton_domain::AuditContext;
use jeton_persistence::delegation::clients;

pub(super) fn disable(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.client.find(&mut connection)?;
    let client = database::revoke(&mut connection, |connection| {
        clients::disable(connection, &AuditContext::cli(), found.id)
    })?
    .with_context(|| args.client.nobody())?;
    args.answer.done("disabled", client)
}

pub(super) fn enable(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.client.find(&mut connection)?;
    let client = database::revoke(&mut connection, |connection| {
        clients::enable(connection, &AuditContext::cli(), found.id)
    })?
    .with_context(|| args.client.nobody())?;
    args.answer.done("enabled", client)
}
