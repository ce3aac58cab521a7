use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use jeton_persistence::migrations;

use crate::database::{admin, server, try_connect, url_for};

/// What test programs that make a template at the same time wait for each other by: "jetontpl" in ASCII.
const LOCK: i64 = 0x6a65_746f_6e74_706c;

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Makes sure that the server has a migrated database to copy, and returns its name. Copying a database takes a
/// fraction of the time that migrating one does.
pub(crate) fn ensure() -> anyhow::Result<String> {
    let name = format!("jeton_template_{:016x}", fingerprint(Path::new(MIGRATIONS))?);
    let server = server()?;
    let mut admin = admin(server)?;
    // Given back when the connection closes.
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<BigInt, _>(LOCK)
        .execute(&mut admin)?;
    let exists = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS yes")
        .bind::<Text, _>(&name)
        .get_result::<Answer>(&mut admin)?;
    if !exists.yes {
        let unfinished = format!("{name}_unfinished");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"))?;
        admin.batch_execute(&format!("CREATE DATABASE {unfinished} TEMPLATE template0"))?;
        migrations::apply(&mut try_connect(&url_for(server, &unfinished)?)?)?;
        // A database that somebody is connected to cannot be copied.
        admin.batch_execute(&format!("ALTER DATABASE {unfinished} ALLOW_CONNECTIONS false"))?;
        admin.batch_execute(&format!("ALTER DATABASE {unfinished} RENAME TO {name}"))?;
    }
    Ok(name)
}

/// Changes with any migration: a server of `DATABASE_URL` may hold the template of another branch.
fn fingerprint(directory: &Path) -> anyhow::Result<u64> {
    let mut entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut hasher = DefaultHasher::new();
    for entry in entries {
        entry.file_name().hash(&mut hasher);
        if entry.path().is_dir() {
            fingerprint(&entry.path())?.hash(&mut hasher);
        } else {
            fs::read(entry.path())?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
