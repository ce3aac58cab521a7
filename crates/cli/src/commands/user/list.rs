use crate::table::Table;
use crate::{database, output, parse, scopes};
use chrono::{DateTime, Utc};
use jeton_api_types::Account;
use jeton_domain::{Email, User};
use jeton_persistence::{PgConnection, users};
use jeton_service::DatabaseSettings;
use serde::Serialize;

/// How many users are read at once.
const PAGE: u32 = 500;

/// List all users, the newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Answer in JSON: {"users": [...]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

/// A user as the API shows it, and what only the operator sees.
#[derive(Serialize)]
struct ListedUser {
    #[serde(flatten)]
    account: Account,
    disabled_at: Option<DateTime<Utc>>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    if args.json {
        let mut separator = "";
        output::write("{\"users\":[")?;
        each_page(&mut connection, |page| {
            let mut text = String::new();
            for user in page {
                text.push_str(separator);
                text.push_str(&serde_json::to_string(&listed(user))?);
                separator = ",\n";
            }
            output::write(&text)
        })?;
        output::line("]}")
    } else {
        let mut table = Table::new(["USERNAME", "STATE", "SCOPES", "EMAIL", "CREATED", "ID"]);
        each_page(&mut connection, |page| {
            let rows: Vec<_> = page.iter().map(row).collect();
            output::write(&table.page(&rows))
        })
    }
}

/// Hands over page by page: there may be more users than fit the memory, and whoever reads may stop early.
fn each_page(
    connection: &mut PgConnection,
    mut show: impl FnMut(Vec<User>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = users::list(connection, after, PAGE)?;
        after = page.last().map(|user| user.id);
        let last = page.len() < PAGE as usize;
        show(page)?;
        if last {
            return Ok(());
        }
    }
}

fn row(user: &User) -> [String; 6] {
    let state = if user.disabled_at.is_some() {
        "disabled"
    } else {
        "enabled"
    };
    [
        user.username.to_string(),
        state.to_owned(),
        scopes::describe(&user.scopes),
        user.email.as_ref().map_or("-", Email::as_str).to_owned(),
        parse::rfc3339(user.created_at),
        user.id.to_string(),
    ]
}

fn listed(user: User) -> ListedUser {
    ListedUser {
        account: Account {
            id: user.id.0,
            username: user.username.to_string(),
            email: user.email.map(|email| email.as_str().to_owned()),
            scopes: user.scopes.to_texts(),
            created_at: user.created_at,
        },
        disabled_at: user.disabled_at,
    }
}
