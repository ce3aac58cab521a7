use crate::listing::{self, ListArgs, Listed};
use crate::{database, parse, scopes};
use jeton_api_types::UserInfo;
use jeton_domain::{User, UserId, UsernameKey};
use jeton_http_kit::wire;
use jeton_persistence::users::{self, UserFilter};
use uuid::Uuid;

/// List users, the newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those whose names begin so, in whatever case
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,

    /// Only those who are disabled
    #[arg(long)]
    disabled: bool,

    /// Only service accounts
    #[arg(long)]
    service: bool,

    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    let filter = UserFilter {
        prefix: args.prefix.as_deref().map(UsernameKey::of_prefix),
        disabled: args.disabled.then_some(true),
        service: args.service.then_some(true),
    };
    listing::write_all(args.list.json, |after, limit| {
        users::list(&mut connection, &filter, after.map(UserId), limit)
    })
}

impl Listed<7> for User {
    const NAME: &'static str = "users";
    const HEADINGS: [&'static str; 7] = ["USERNAME", "KIND", "STATE", "SCOPES", "EMAIL", "CREATED", "ID"];
    type Wire = UserInfo;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn row(&self) -> [String; 7] {
        let state = if self.disabled_at.is_some() {
            "disabled"
        } else {
            "enabled"
        };
        [
            self.username.clone(),
            if self.service { "service" } else { "person" }.to_owned(),
            state.to_owned(),
            scopes::describe(&self.scopes),
            self.email.as_deref().unwrap_or("-").to_owned(),
            parse::rfc3339(self.created_at),
            self.id.to_string(),
        ]
    }

    fn wire(self) -> UserInfo {
        wire::user(self)
    }
}
