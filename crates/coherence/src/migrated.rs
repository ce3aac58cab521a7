//! Whether a database has what this version needs, without the migrations themselves.

use crate::{DatabaseError, DatabaseResult, disabled_triggers};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

/// The migrations, by their folders under `migrations/`, oldest first.
pub const MIGRATIONS: [&str; 4] = [
    "2026-11-28-120000_accounts",
    "2026-11-28-120100_coherence",
    "2026-11-28-120200_audit",
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
pub fn pending(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    let applied = applied_versions(connection)?;
    let missing = MIGRATIONS.iter().filter(|name| !applied.contains(&version(name)));
    let missing: Vec<String> = missing.map(|name| (*name).to_owned()).collect();
    if !missing.is_empty() {
        return Ok(missing);
    }
    let off = disabled_triggers(connection)?;
    Ok(off.iter().map(ToString::to_string).collect())
}

/// The versions of the migrations that have been applied, read without Diesel's harness, which would create its table: a
/// check must not write, and its role may not.
///
/// # Errors
/// [`DatabaseError::Unreleased`], and what [`check_server`] says: what cannot be continued; or see [`DatabaseError`].
pub fn applied_versions(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    use diesel::dsl::sql;

    check_server(connection)?;
    let exists: bool = diesel::select(sql::<Bool>(
        "to_regclass('__diesel_schema_migrations') IS NOT NULL",
    ))
    .get_result(connection)?;
    if !exists {
        return Ok(Vec::new());
    }
    let applied: Vec<String> = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load(connection)?;
    if applied.iter().any(|version| version == UNRELEASED) {
        return Err(DatabaseError::Unreleased);
    }
    Ok(applied)
}

/// Refuses a server that lacks what the protocol is built on, and a database that cannot hold what people are called: of
/// any encoding but UTF-8. Changes nothing.
///
/// # Errors
/// [`DatabaseError::ServerTooOld`] or [`DatabaseError::NotUtf8`], or see [`DatabaseError`].
pub fn check_server(connection: &mut PgConnection) -> DatabaseResult<()> {
    let (version, database, session): (String, String, String) = diesel::select((
        setting("server_version_num"),
        setting("server_encoding"),
        setting("client_encoding"),
    ))
    .get_result(connection)?;
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
