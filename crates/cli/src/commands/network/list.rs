use crate::table::Table;
use crate::{database, output, parse};
use jeton_api_types::{NetworkLimitInfo, NetworkLimitList};
use jeton_http_kit::{DatabaseSettings, NetworkLimitArgs, wire};
use jeton_persistence::rate_limit;

/// List the networks that failed sign-ins count for, and that none is let through from
///
/// Those that most counts for, first.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The most networks that are listed
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: u32,

    /// Answer in JSON: {"networks": [...]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network_limit: NetworkLimitArgs,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let limit = args.network_limit.network_failures.0;
    let found = rate_limit::list_networks(&mut connection, limit, args.limit)?;
    let networks: Vec<_> = found.into_iter().map(wire::network_limit).collect();
    if args.json {
        return output::json(&NetworkLimitList { networks });
    }
    let rows: Vec<_> = networks.iter().map(row).collect();
    output::write(&Table::new(["NETWORK", "FAILURES", "BLOCKED FOR", "LAST"]).page(&rows))
}

fn row(limit: &NetworkLimitInfo) -> [String; 4] {
    [
        limit.network.clone(),
        limit.failures.to_string(),
        limit
            .blocked_for
            .map_or_else(|| "-".to_owned(), |secs| format!("{secs}s")),
        parse::rfc3339(limit.last_at),
    ]
}
