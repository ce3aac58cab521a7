use crate::listing::ListArgs;
use crate::table::Table;
use crate::{database, output};
use jeton_api_types::{DelegableScopeInfo, DelegableScopeList};
use jeton_http_kit::wire;
use jeton_persistence::delegation::scopes;

/// List the scopes that users may give to clients, by name
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    list: ListArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.list.database)?;
    let found = scopes::list_stored(&mut connection)?;
    let scopes: Vec<_> = found.into_iter().map(wire::stored_scope).collect();
    if args.list.json {
        return output::json(&DelegableScopeList { scopes });
    }
    let rows: Vec<_> = scopes.into_iter().map(row).collect();
    output::write(&Table::new(["SCOPE", "TITLE", "RESOURCE", "DESCRIPTION"]).page(&rows))
}

fn row(scope: DelegableScopeInfo) -> [String; 4] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    [
        scope.name,
        scope.title,
        or_dash(scope.resource.unwrap_or_default()),
        or_dash(scope.description),
    ]
}
