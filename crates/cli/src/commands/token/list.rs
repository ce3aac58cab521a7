use crate::table::Table;
use crate::{database, output, parse, scopes};
use jeton_api_types::TokenInfo;
use jeton_domain::{Token, UserId, Username};
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::{PgConnection, tokens};
use serde_json::json;

/// How many tokens are read at once.
const PAGE: u32 = 500;

/// List a user's valid tokens, the newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Whose they are
    #[arg(value_parser = Username::parse)]
    username: Username,

    /// Answer in JSON: {"tokens": [...]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let user = database::find_user(&mut connection, &args.username)?;
    let tokens = all(&mut connection, user.id)?;
    if args.json {
        let tokens: Vec<TokenInfo> = tokens.into_iter().map(wire::token).collect();
        return output::json(&json!({ "tokens": tokens }));
    }
    let rows: Vec<_> = tokens.iter().map(row).collect();
    let mut table = Table::new(["ID", "KIND", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"]);
    output::write(&table.page(&rows))
}

fn all(connection: &mut PgConnection, owner: UserId) -> anyhow::Result<Vec<Token>> {
    let mut all: Vec<Token> = Vec::new();
    loop {
        let page = tokens::list(connection, owner, all.last().map(|token| token.id), PAGE)?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

fn row(token: &Token) -> [String; 7] {
    [
        token.id.to_string(),
        token.kind.to_string(),
        token.name.clone(),
        scopes::describe(&token.scopes),
        parse::rfc3339(token.created_at),
        token.expires_at.map_or("never".to_owned(), parse::rfc3339),
        token.last_used_at.map_or("-".to_owned(), parse::rfc3339),
    ]
}
