use super::Args;
use crate::{database, output};
use anyhow::{Context, anyhow, ensure};
use jeton_domain::AuditContext;
use jeton_domain::delegation::ClientSecret;
use jeton_persistence::delegation::clients;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    output::must_be_open()?;
    let mut connection = database::open(&args.database)?;
    let found = args.client.find(&mut connection)?;
    ensure!(
        found.confidential,
        "\"{}\" is a public client, and has no secret",
        found.name
    );
    let secret = ClientSecret::generate(&mut rand::rng());
    let client = clients::rotate_secret(&mut connection, &AuditContext::cli(), found.id, secret.digest())?
        .with_context(|| args.client.nobody())?;
    args.answer
        .hand_over(client, Some(&secret))
        // Not as the cause: that nobody reads is a success elsewhere, and none here.
        .map_err(|error| anyhow!("{error:#}; the secret before is no longer valid: try again"))?;
    output::note(&format!(
        "\"{}\" has another secret; it is shown this once",
        found.name
    ));
    Ok(())
}
