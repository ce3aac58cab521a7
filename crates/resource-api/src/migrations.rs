//! The service's own tables: in a schema of their own, with a history of migrations of their own, so that Jeton's
//! migrations and these know nothing of each other.

use crate::schema::__diesel_schema_migrations;
use anyhow::{Context, ensure};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use jeton_persistence::PgConnection;
use jeton_persistence::migrations::{LOCK_WAIT, apply_from, pending};
use jeton_persistence::{ConnectionLimits, DELAYED, DatabaseError, DatabaseResult, DatabaseUrl, establish};
use std::io::{self, Write};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Makes the role for services like this one, where the user may.
const RIGHTS: &str = include_str!("rights.sql");

/// Brings the service's own tables up to date, and lets a role keep notes that can check tokens already (see
/// `jeton role create`); returns the names of what it applied. For the owner of Jeton's tables, or who has the right
/// `REFERENCES` on `users (id)`, and may create schemas; the role is made where the user may create roles.
///
/// # Errors
/// The database is away, lacks Jeton's own migrations, or refuses.
pub fn migrate(url: &DatabaseUrl, grant_to: Option<&str>) -> anyhow::Result<Vec<String>> {
    let limits = ConnectionLimits::NONE.on_delay(|| drop(writeln!(io::stderr(), "{DELAYED}")));
    let connection = &mut establish(url, limits)?;
    let lacking = pending(connection)?;
    ensure!(
        lacking.is_empty(),
        "the database is not up to date (pending: {}); run `jeton migrate` first",
        lacking.join(", ")
    );
    // Diesel keeps its history in the first schema; `users` is found in the others.
    connection.batch_execute(
        "CREATE SCHEMA IF NOT EXISTS demo; \
        SELECT set_config('search_path', 'demo, ' || current_setting('search_path'), false)",
    )?;
    let applied = apply_from(connection, &MIGRATIONS, LOCK_WAIT)?;
    connection.batch_execute(RIGHTS)?;
    if let Some(role) = grant_to {
        let role = role.replace('"', "\"\"");
        connection
            .batch_execute(&format!("GRANT jeton_notes TO \"{role}\""))
            .context("cannot let the role keep notes")?;
    }
    Ok(applied)
}

/// Whether the tables are there and up to date, and this role may use them.
pub(crate) fn is_migrated(connection: &mut PgConnection) -> DatabaseResult<bool> {
    let usable = sql::<Bool>("coalesce(has_schema_privilege(to_regnamespace('demo')::oid, 'USAGE'), false)");
    if !diesel::select(usable).get_result(connection)? {
        return Ok(false);
    }
    let applied: Vec<String> = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load(connection)?;
    let wanted = MigrationSource::<Pg>::migrations(&MIGRATIONS)
        .map_err(|error| DatabaseError::Query(diesel::result::Error::QueryBuilderError(error)))?;
    Ok(wanted
        .iter()
        .all(|one| applied.contains(&one.name().version().to_string())))
}
