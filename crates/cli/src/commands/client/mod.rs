mod access;
mod create;
mod delete;
mod list;
mod rotate_secret;
mod set_redirect_uris;
mod set_scopes;
mod show;

use crate::client_arg::ClientArg;
use crate::{output, scopes};
use jeton_domain::ExposeSecret;
use jeton_domain::delegation::{Client, ClientSecret, RedirectUri};
use jeton_http_kit::{DatabaseSettings, wire};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
    List(list::Args),
    /// Show a client
    Show(Args),
    /// Keep a client out: it gets no token, and none of its tokens is accepted
    ///
    /// What users have granted is kept. Twice does no harm.
    Disable(Args),
    /// Let a disabled client in again
    ///
    /// What users have granted holds, and refresh tokens work; the access tokens from before do not come back.
    Enable(Args),
    SetScopes(set_scopes::Args),
    SetRedirectUris(set_redirect_uris::Args),
    /// Give a confidential client another secret, in place of the one before
    ///
    /// The secret is written to standard output, this once. The client's tokens stay.
    RotateSecret(Args),
    Delete(delete::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create::run(args),
            Self::List(args) => list::run(&args),
            Self::Show(args) => show::run(&args),
            Self::Disable(args) => access::disable(&args),
            Self::Enable(args) => access::enable(&args),
            Self::SetScopes(args) => set_scopes::run(&args),
            Self::SetRedirectUris(args) => set_redirect_uris::run(&args),
            Self::RotateSecret(args) => rotate_secret::run(&args),
            Self::Delete(args) => delete::run(&args),
        }
    }
}

/// What every command takes that is for one client.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The client's name or client_id
    #[arg(value_parser = ClientArg::parse)]
    client: ClientArg,

    #[command(flatten)]
    answer: Answer,

    #[command(flatten)]
    database: DatabaseSettings,
}

/// How a client is told.
#[derive(clap::Args)]
pub(crate) struct Answer {
    /// Answer in JSON: the client, as over HTTP
    #[arg(long)]
    json: bool,
}

impl Answer {
    /// Says what was done with the client, in a line, or what the client is.
    fn done(&self, what: &str, client: Client) -> anyhow::Result<()> {
        if self.json {
            output::json(&wire::client(client))
        } else {
            output::line(&format!("{what} {}", client.name))
        }
    }

    /// Hands over a client and its secret, if it has one: nothing else ever says it.
    fn hand_over(&self, client: Client, secret: Option<&ClientSecret>) -> anyhow::Result<()> {
        if self.json {
            return output::json(&wire::client_with_secret(client, secret));
        }
        let mut text = format!("client_id {}\n", client.id);
        if let Some(secret) = secret {
            text.push_str(&format!("client_secret {}\n", secret.expose_secret()));
        }
        output::write(&text)
    }
}

/// The client as people read it.
fn describe(client: &Client) -> String {
    let uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    let or_none = |texts: Vec<&str>| match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(" "),
    };
    let lines = [
        ("client_id", client.id.to_string()),
        ("name", client.name.clone()),
        ("kind", kind(client).to_owned()),
        ("state", state(client).to_owned()),
        ("scopes", scopes::describe(&client.scopes)),
        ("grants", or_none(grants)),
        ("redirect", or_none(uris)),
        (
            "account",
            client
                .service_account
                .map_or_else(|| "none".to_owned(), |id| id.to_string()),
        ),
        ("created", crate::parse::rfc3339(client.created_at)),
    ];
    let lines: Vec<_> = lines
        .iter()
        .map(|(what, text)| format!("{what:<10} {text}"))
        .collect();
    lines.join("\n")
}

fn kind(client: &Client) -> &'static str {
    match (client.confidential, client.first_party) {
        (true, false) => "confidential",
        (false, false) => "public",
        (true, true) => "confidential, first party",
        (false, true) => "public, first party",
    }
}

fn state(client: &Client) -> &'static str {
    if client.disabled_at.is_some() {
        "disabled"
    } else {
        "enabled"
    }
}
