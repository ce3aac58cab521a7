use crate::{database, output, parse};
use anyhow::bail;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::{PgConnection, migrations, roles};
use serde_json::json;
use std::time::Duration;

/// Bring the database up to date
///
/// Applies what is pending, each migration in a transaction of its own, and says which. Several may start at once: one
/// works, the others wait and find nothing left to do. Services may be running, and are not held up: a migration that
/// cannot get a lock at once gives way, and is tried again.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when something is pending
    #[arg(long)]
    check: bool,

    /// How long to try to get a lock that another session holds, as pg_dump does
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse::duration)]
    lock_wait: Duration,

    /// Answer in JSON: {"applied": [...]}, or, with --check, {"pending": [...]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::connect_patiently(&args.database)?;
    if args.check {
        check(&mut connection, args.json)
    } else {
        let applied = migrations::apply_within(&mut connection, args.lock_wait)?;
        let said = say("applied", &applied, args.json);
        warn_of_roles(&mut connection)?;
        said
    }
}

/// Nothing is broken: services can sign in as the owner of the tables.
fn warn_of_roles(connection: &mut PgConnection) -> anyhow::Result<()> {
    let lacking = roles::lacking(connection)?;
    if !lacking.is_empty() {
        output::note(&format!(
            "warning: {}, which services sign in by, could not be set up; `jeton role create` does it, as a user who may \
            create roles",
            lacking.join(" and ")
        ));
    }
    database::warn_of_open_schema(connection)
}

fn check(connection: &mut PgConnection, json: bool) -> anyhow::Result<()> {
    let pending = migrations::pending(connection)?;
    let said = say("pending", &pending, json);
    // First of all what was found: a script may ask for the exit status alone, and read nothing.
    match pending.len() {
        0 => said,
        1 => bail!("a migration is pending; run `jeton migrate`"),
        count => bail!("{count} migrations are pending; run `jeton migrate`"),
    }
}

fn say(what: &str, names: &[String], json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&json!({ what: names }));
    }
    if names.is_empty() {
        return output::line("up to date");
    }
    let lines: String = names.iter().map(|name| format!("{what} {name}\n")).collect();
    output::write(&lines)
}
