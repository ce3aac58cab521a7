use super::Answer;
use crate::client_arg::ClientArg;
use crate::{database, output};
use anyhow::Context;
use jeton_domain::AuditContext;
use jeton_domain::delegation::RedirectUri;
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::delegation::clients;

/// Set where a client may have users sent back to, in place of what it was
///
/// Requests that are on their way end: the client asks again. Tokens stay.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The client's name or client_id
    #[arg(value_parser = ClientArg::parse)]
    client: ClientArg,

    /// All the URIs that there are to be
    #[arg(required_unless_present = "none", value_name = "URI", value_parser = RedirectUri::parse)]
    redirect_uris: Vec<RedirectUri>,

    /// No redirect URI at all
    #[arg(long, conflicts_with = "redirect_uris")]
    none: bool,

    #[command(flatten)]
    answer: Answer,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let found = args.client.find(&mut connection)?;
    found.check_redirect_uris(&args.redirect_uris)?;
    let client = clients::set_redirect_uris(
        &mut connection,
        &AuditContext::cli(),
        found.id,
        &args.redirect_uris,
    )?
    .with_context(|| args.client.nobody())?;
    if args.answer.json {
        return output::json(&wire::client(client));
    }
    let uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let uris = if uris.is_empty() {
        "none".to_owned()
    } else {
        uris.join(" ")
    };
    output::line(&format!("{} now has the redirect URIs: {uris}", client.name))
}
