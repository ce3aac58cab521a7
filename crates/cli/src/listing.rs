//! Lists, as people and as programs read them.

use crate::output;
use crate::table::Table;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::DatabaseResult;
use serde::Serialize;
use uuid::Uuid;

/// How many are read at once.
const PAGE: u32 = 500;

/// What every list takes.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Answer in JSON: one object that has the list in it, as over HTTP
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) database: DatabaseSettings,
}

/// What is listed, in so many columns where people read it.
pub(crate) trait Listed<const COLUMNS: usize>: Sized {
    /// What the list is called in JSON.
    const NAME: &'static str;
    const HEADINGS: [&'static str; COLUMNS];
    /// As it is in JSON.
    type Wire: Serialize;

    /// What the list is in the order of.
    fn id(&self) -> Uuid;
    fn row(&self) -> [String; COLUMNS];
    fn wire(self) -> Self::Wire;
}

/// Writes all of a list. Page by page, each of which is asked for by the id that was last and how many it may have: there may
/// be more than fit the memory, and whoever reads may stop early.
pub(crate) fn write_all<const COLUMNS: usize, T: Listed<COLUMNS>>(
    json: bool,
    mut page: impl FnMut(Option<Uuid>, u32) -> DatabaseResult<Vec<T>>,
) -> anyhow::Result<()> {
    let mut table = Table::new(T::HEADINGS);
    let (mut after, mut separator) = (None, "");
    if json {
        output::write(&format!("{{\"{}\":[", T::NAME))?;
    }
    loop {
        let found = page(after, PAGE)?;
        after = found.last().map(T::id);
        let last = found.len() < PAGE as usize;
        if json {
            let mut text = String::new();
            for one in found {
                text.push_str(separator);
                text.push_str(&output::to_json(&one.wire())?);
                separator = ",\n";
            }
            output::write(&text)?;
        } else {
            let rows: Vec<_> = found.iter().map(T::row).collect();
            output::write(&table.page(&rows))?;
        }
        if last {
            break;
        }
    }
    if json { output::line("]}") } else { Ok(()) }
}
