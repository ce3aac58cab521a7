//! Whether a database has what this version needs, without the migrations themselves.

use crate::connection::told;
use crate::triggers::find_disabled_triggers;
use crate::{DatabaseError, DatabaseResult, PgConnection};
use diesel::QueryDsl;
use diesel::expression::SqlLiteral;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The migrations, by their folders under `migrations/`, oldest first.
pub const MIGRATIONS: [&str; 5] = [
    "2026-11-28-120000_accounts",
    "2026-11-28-120100_coherence",
    "2026-11-28-120200_audit",
    "2026-11-28-120250_delegation",
    "2026-11-28-120300_roles",
];

/// The first version of a series of migrations that was replaced before anything was released. Its tables have the same
/// names, and are not continued.
const UNRELEASED: &str = "20261123000100";

/// The first server with transaction numbers of 64 bits, and snapshots of them, as types.
const OLDEST_SERVER: i32 = 13_00_00;

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// The version that Diesel writes down for a migration of this name.
#[must_use]
pub fn version(migration: &str) -> String {
    let (version, _) = migration.split_once('_').unwrap_or((migration, ""));
    version.replace('-', "")
}

/// What the database lacks of what this version needs: names of migrations, or, where none is missing, triggers that are
/// turned off and without which revocations would go unnoticed. Changes nothing. Migrations of newer versions are ignored:
/// they keep what this version uses.
///
/// # Errors
/// As [`applied_versions`].
pub async fn find_pending(connection: &mut AsyncPgConnection) -> DatabaseResult<Vec<String>> {
    let applied = find_applied_versions(connection).await?;
    let missing = MIGRATIONS.iter().filter(|name| !applied.contains(&version(name)));
    let missing: Vec<String> = missing.map(|name| (*name).to_owned()).collect();
    if !missing.is_empty() {
        return Ok(missing);
    }
    let off = find_disabled_triggers(connection).await?;
    Ok(off.iter().map(ToString::to_string).collect())
}

/// As [`find_pending`], for who blocks.
///
/// # Errors
/// As [`applied_versions`].
pub fn pending(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    connection.wait(|connection| find_pending(connection))
}

/// The versions of the migrations that have been applied, read without Diesel's harness, which would create its table: a
/// check must not write, and its role may not.
///
/// # Errors
/// [`DatabaseError::ServerTooOld`] and [`DatabaseError::NotUtf8`], which nobody can use, [`DatabaseError::NotAService`], by whom
/// nothing can be read, and [`DatabaseError::Unreleased`], which cannot be continued; or see [`DatabaseError`].
pub fn applied_versions(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    connection.wait(|connection| find_applied_versions(connection))
}

async fn find_applied_versions(connection: &mut AsyncPgConnection) -> DatabaseResult<Vec<String>> {
    use diesel::dsl::sql;

    ask_server(connection).await?;
    // Null: there is no such table.
    let readable = diesel::select((
        sql::<Nullable<Bool>>(
            "has_column_privilege(to_regclass('__diesel_schema_migrations')::oid, 'version', 'SELECT')",
        ),
        sql::<Text>("current_user::text"),
    ));
    match told(readable.get_result(connection).await, connection).await? {
        (None, _) => return Ok(Vec::new()),
        (Some(false), role) => return Err(DatabaseError::NotAService(role)),
        (Some(true), _) => {}
    }
    let applied = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
    let applied: Vec<String> = told(applied.load(connection).await, connection).await?;
    if applied.iter().any(|version| version == UNRELEASED) {
        return Err(DatabaseError::Unreleased);
    }
    Ok(applied)
}

/// Refuses a server that lacks what the protocol is built on, and a database that cannot hold what people are called: of
/// any encoding but UTF-8.
async fn ask_server(connection: &mut AsyncPgConnection) -> DatabaseResult<()> {
    let settings = diesel::select((
        setting("server_version_num"),
        setting("server_encoding"),
        setting("client_encoding"),
    ));
    let (version, database, session): (String, String, String) =
        told(settings.get_result(connection).await, connection).await?;
    check_version(&version)?;
    check_encoding("database", database)?;
    check_encoding("session with the database", session)
}

fn setting(name: &str) -> SqlLiteral<Text> {
    diesel::dsl::sql(&format!("current_setting('{name}')"))
}

fn check_encoding(of: &'static str, encoding: String) -> DatabaseResult<()> {
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(DatabaseError::NotUtf8 { of, encoding })
}

fn check_version(version: &str) -> DatabaseResult<()> {
    match version.parse::<i32>() {
        Ok(number) if number >= OLDEST_SERVER => Ok(()),
        Ok(number) => Err(DatabaseError::ServerTooOld((number / 10_000).to_string())),
        Err(_) => Err(DatabaseError::ServerTooOld(version.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_snapshots_is_refused_by_its_version() {
        assert!(check_version("130000").is_ok());
        assert!(check_version("180001").is_ok());
        for (old, said) in [("120022", "12"), ("90624", "9"), ("", "")] {
            let error = check_version(old).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("the server is PostgreSQL {said}; 13 or newer is needed")
            );
        }
    }
}
