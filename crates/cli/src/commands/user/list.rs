use crate::table::Table;
use crate::{database, output, parse, scopes};
use jeton_domain::{User, UsernameKey};
use jeton_http_kit::{DatabaseSettings, wire};
use jeton_persistence::PgConnection;
use jeton_persistence::users::{self, UserFilter};

/// How many users are read at once.
const PAGE: u32 = 500;

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

    /// Answer in JSON: {"users": [...]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let filter = UserFilter {
        prefix: args.prefix.as_deref().map(UsernameKey::of_prefix),
        disabled: args.disabled.then_some(true),
        service: args.service.then_some(true),
    };
    if args.json {
        let mut separator = "";
        output::write("{\"users\":[")?;
        each_page(&mut connection, &filter, |page| {
            let mut text = String::new();
            for user in page {
                text.push_str(separator);
                text.push_str(&output::to_json(&wire::user(user))?);
                separator = ",\n";
            }
            output::write(&text)
        })?;
        output::line("]}")
    } else {
        let mut table = Table::new(["USERNAME", "KIND", "STATE", "SCOPES", "EMAIL", "CREATED", "ID"]);
        each_page(&mut connection, &filter, |page| {
            let rows: Vec<_> = page.iter().map(row).collect();
            output::write(&table.page(&rows))
        })
    }
}

/// Hands over page by page: there may be more users than fit the memory, and whoever reads may stop early.
fn each_page(
    connection: &mut PgConnection,
    filter: &UserFilter,
    mut show: impl FnMut(Vec<User>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = users::list(connection, filter, after, PAGE)?;
        after = page.last().map(|user| user.id);
        let last = page.len() < PAGE as usize;
        show(page)?;
        if last {
            return Ok(());
        }
    }
}

fn row(user: &User) -> [String; 7] {
    let state = if user.disabled_at.is_some() {
        "disabled"
    } else {
        "enabled"
    };
    [
        user.username.clone(),
        if user.service { "service" } else { "person" }.to_owned(),
        state.to_owned(),
        scopes::describe(&user.scopes),
        user.email.as_deref().unwrap_or("-").to_owned(),
        parse::rfc3339(user.created_at),
        user.id.to_string(),
    ]
}
