use crate::scopes::{self, ScopeArgs};
use crate::user_arg::UserArg;
use crate::{database, output, parse};
use anyhow::{Context, anyhow, bail, ensure};
use jeton_domain::{
    AuditContext, ExposeSecret, NewToken, PlainToken, ScopesNotHeld, Token, TokenId, TokenLifetime,
    TokenName, User,
};
use jeton_http_kit::{DatabaseSettings, TokenArgs, lifetime};
use jeton_persistence::PgConnection;
use jeton_persistence::tokens::{self, Issue, Refusal};
use uuid::Uuid;

/// Create a personal token for a user
///
/// The token is written to standard output, alone on its line, this once: TOKEN=$(jeton token create …). What else
/// there is to say goes to standard error.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Whose it is to be: a name or an id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    /// What to call it, as "nightly backup"
    #[arg(long, value_parser = TokenName::parse)]
    name: TokenName,

    #[command(flatten)]
    scopes: ScopeArgs,

    /// How long it lives: 90d, 12h, seconds, or never; unless said, as JETON_TOKEN_TTL says
    #[arg(long, value_parser = lifetime::<TokenLifetime>)]
    expires_in: Option<TokenLifetime>,

    #[command(flatten)]
    tokens: TokenArgs,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let chosen = args.scopes.chosen()?;
    output::must_be_open()?;
    let mut connection = database::open(&args.database)?;
    let user = args.user.find(&mut connection)?;
    ensure!(user.disabled_at.is_none(), disabled(&user.username));
    let scopes = user.scopes.grant(chosen).map_err(|ScopesNotHeld(lacking)| {
        let (name, held) = (&user.username, scopes::describe(&user.scopes));
        anyhow!("\"{name}\" does not hold {lacking}, but: {held}")
    })?;

    let (id, name) = (TokenId(Uuid::now_v7()), args.name.clone());
    let lifetime = args.expires_in.unwrap_or(args.tokens.token_ttl);
    let limit = args.tokens.tokens_per_user.0;
    let (text, new) = NewToken::personal(&mut rand::rng(), id, name, scopes, lifetime, limit);
    let token = issue(&mut connection, &user, &new)?;
    hand_over(&mut connection, &text, &token)?;
    describe(&user, &token);
    Ok(())
}

fn issue(connection: &mut PgConnection, user: &User, new: &NewToken) -> anyhow::Result<Token> {
    loop {
        let issue = database::revoke(connection, |connection| {
            tokens::issue_by_operator(connection, &AuditContext::cli(), user.id, new)
        })?;
        match issue {
            Issue::Issued(token) => return Ok(token),
            Issue::RoomMade => {}
            Issue::Refused(Refusal::UserGone) => bail!(database::no_user(&user.username)),
            Issue::Refused(_) => bail!(disabled(&user.username)),
            Issue::TooMany => bail!(
                "\"{}\" has as many personal tokens as there may be; revoke one first",
                user.username
            ),
        }
    }
}

fn disabled(name: &str) -> String {
    format!("\"{name}\" is disabled, and gets no tokens")
}

/// A token that nobody has received must not stay valid.
fn hand_over(connection: &mut PgConnection, text: &PlainToken, token: &Token) -> anyhow::Result<()> {
    let Err(error) = output::line(text.expose_secret()) else {
        return Ok(());
    };
    database::revoke(connection, |connection| {
        tokens::revoke_by_operator(connection, &AuditContext::cli(), token.id)
    })
    .with_context(|| format!("{error}, and the token {} could not be revoked", token.id))?;
    // Not as the cause: that nobody reads is a success elsewhere, and none here.
    Err(anyhow!("{error:#}; the token was revoked"))
}

fn describe(user: &User, token: &Token) {
    let expires = token.expires_at.map_or("never".to_owned(), parse::rfc3339);
    output::note(&format!(
        "created token {} for {}: \"{}\"; scopes: {}; expires: {expires}; shown this once",
        token.id,
        user.username,
        token.name,
        scopes::describe(&token.scopes)
    ));
}
