use super::Answer;
use crate::error::UsageError;
use crate::scopes::{self, ScopeArgs};
use crate::user_arg::UserArg;
use crate::{database, output};
use anyhow::{anyhow, ensure};
use jeton_domain::delegation::{Client, ClientName, ClientSecret, GrantType, NewClient, RedirectUri};
use jeton_domain::{AuditContext, ClientId, ScopeSet};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::delegation::clients::{self, CLIENT_NAME_TAKEN};
use jeton_persistence::delegation::scopes as catalogue;
use jeton_persistence::{DatabaseError, PgConnection};
use uuid::Uuid;

/// Create a client: a program that users let act for them
///
/// Its client_id is written to standard output, and for a confidential one its client_secret, this once.
///
/// NAME comes before --redirect-uri and --scope, each of which takes as many as follow it.
#[derive(clap::Args)]
#[command(mut_arg("scopes", |scopes| scopes.num_args(1..)))]
pub(crate) struct Args {
    /// What users are told who asks, as "Notes for Desktops"
    #[arg(value_parser = ClientName::parse)]
    name: ClientName,

    /// Where it may have users sent back to, byte by byte
    ///
    /// https, or http to 127.0.0.1, [::1] or localhost, where the port may be another, or a scheme of the app's own, as
    /// com.example.app.
    #[arg(long = "redirect-uri", value_name = "URI", num_args = 1.., value_parser = RedirectUri::parse)]
    redirect_uris: Vec<RedirectUri>,

    #[command(flatten)]
    scopes: ScopeArgs,

    /// It can keep a secret, and gets one: it runs on a server
    #[arg(long)]
    confidential: bool,

    /// It is the operator's own: users are not asked
    #[arg(long)]
    first_party: bool,

    /// How it may come to a token besides; may be given several times
    ///
    /// A redirect URI brings authorization_code, a service account client_credentials. A client with neither gets device_code,
    /// and so does a public one of which nothing is said here. Where users are asked, refresh_token comes along.
    #[arg(long = "grant", value_name = "TYPE", value_parser = grant_type)]
    grants: Vec<GrantType>,

    /// Whose tokens it gets for its own secret: a service account, by name or id
    #[arg(long, value_name = "USER", value_parser = UserArg::parse)]
    service_account: Option<UserArg>,

    #[command(flatten)]
    answer: Answer,

    #[command(flatten)]
    database: DatabaseSettings,
}

fn grant_type(text: &str) -> Result<GrantType, String> {
    text.parse()
        .map_err(|error: jeton_domain::delegation::UnknownGrantType| error.to_string())
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let Some(scopes) = args.scopes.chosen()? else {
        return Err(UsageError("say what its tokens may do: --scope SCOPE, or --no-scopes").into());
    };
    if args.confidential {
        output::must_be_open()?;
    }
    let mut connection = database::open(&args.database)?;
    let account = match &args.service_account {
        Some(user) => {
            let user = user.find(&mut connection)?;
            ensure!(user.service, "\"{}\" is no service account", user.username);
            Some(user.id)
        }
        None => None,
    };
    let secret = args
        .confidential
        .then(|| ClientSecret::generate(&mut rand::rng()));
    let client = NewClient {
        id: ClientId(Uuid::now_v7()),
        name: args.name,
        secret: secret.as_ref().map(ClientSecret::digest),
        grant_types: GrantType::implied(
            &args.grants,
            args.confidential,
            !args.redirect_uris.is_empty(),
            account.is_some(),
        ),
        redirect_uris: args.redirect_uris,
        scopes,
        service_account: account,
        first_party: args.first_party,
    };
    client.check()?;
    let created = create(&mut connection, &client)?;
    let (id, described) = (created.id, describe(&created));
    if let Err(error) = args.answer.hand_over(created, secret.as_ref()) {
        // A secret that nobody has received is nobody's.
        database::revoke(&mut connection, |connection| {
            clients::delete(connection, &AuditContext::cli(), id)
        })?;
        return Err(anyhow!("{error:#}; the client was deleted"));
    }
    output::note(&described);
    warn_of_unknown_scopes(&mut connection, &client)
}

fn create(connection: &mut PgConnection, client: &NewClient) -> anyhow::Result<Client> {
    clients::create(connection, &AuditContext::cli(), client).map_err(|error| match error {
        DatabaseError::Conflict { constraint } if constraint == CLIENT_NAME_TAKEN => {
            anyhow!("the name \"{}\" is taken", client.name.as_str())
        }
        error => error.into(),
    })
}

fn describe(client: &Client) -> String {
    let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    let shown = if client.confidential {
        "; the secret is shown this once"
    } else {
        ""
    };
    format!(
        "created {} client \"{}\"; scopes: {}; grants: {}{shown}",
        super::kind(client),
        client.name,
        scopes::describe(&client.scopes),
        grants.join(" ")
    )
}

/// Users are asked in the catalogue's words; for what it does not have, nobody is asked.
fn warn_of_unknown_scopes(connection: &mut PgConnection, client: &NewClient) -> anyhow::Result<()> {
    if client.grant_types == [GrantType::ClientCredentials] {
        return Ok(());
    }
    let known = catalogue::find(connection, &client.scopes)?;
    let known = ScopeSet::from_texts(known.iter().map(|scope| scope.name.as_str()))?;
    for scope in client.scopes.iter().filter(|scope| !known.contains(scope)) {
        output::note(&format!(
            "warning: users are not asked for {scope} yet; `jeton scope set {scope} --title …` says what it lets a program do"
        ));
    }
    Ok(())
}
