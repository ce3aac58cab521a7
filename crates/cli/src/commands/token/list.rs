use crate::listing::{self, ListArgs, Listed};
use crate::user_arg::UserArg;
use crate::{database, parse, scopes};
use jeton_api_types::TokenInfo;
use jeton_domain::{Token, TokenId};
use jeton_http_kit::wire;
use jeton_persistence::tokens;
use uuid::Uuid;

/// List a user's valid tokens, the newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Whose they are: a name or an id
    #[arg(value_parser = UserArg::parse)]
    user: UserArg,

    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    let owner = args.user.find(&mut connection)?.id;
    listing::write_all(args.list.json, |after, limit| {
        tokens::list(&mut connection, owner, after.map(TokenId), limit)
    })
}

impl Listed<7> for Token {
    const NAME: &'static str = "tokens";
    const HEADINGS: [&'static str; 7] = ["ID", "KIND", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"];
    type Wire = TokenInfo;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn row(&self) -> [String; 7] {
        [
            self.id.to_string(),
            self.kind.to_string(),
            self.name.clone(),
            scopes::describe(&self.scopes),
            parse::rfc3339(self.created_at),
            self.expires_at.map_or("never".to_owned(), parse::rfc3339),
            self.last_used_at.map_or("-".to_owned(), parse::rfc3339),
        ]
    }

    fn wire(self) -> TokenInfo {
        wire::token(self)
    }
}
