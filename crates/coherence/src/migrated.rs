//! Whether a database has what this version needs, without the migrations themselves.

use crate::{DatabaseError, DatabaseResult, disabled_triggers};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

/// The migrations, by their folders under `migrations/`, oldest first.
pub const MIGRATIONS: [&str; 17] = [
    "2026-11-23-000100_users",
    "2026-11-23-000200_tokens",
    "2026-11-23-000300_notes",
    "2026-11-23-000400_revocations",
    "2026-11-23-000500_token_uses",
    "2026-11-23-000600_roles",
    "2026-11-23-000700_users_bcrypt_cost",
    "2026-11-24-000800_audit_events",
    "2026-11-24-000810_auth_role",
    "2026-11-24-000820_sign_in_attempts",
    "2026-11-24-000900_tokens_idle_ttl",
    "2026-11-24-000910_verifier_idle_ttl",
    "2026-11-24-000920_many_revocations",
    "2026-11-24-000930_users_admin",
    "2026-11-28-001000_revocations_by_any_way",
    "2026-11-28-001010_verifiers_owner",
    "2026-11-28-001020_times_that_can_be_told",
];

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
/// turned off and without which revocations would go unnoticed. Changes nothing. What a newer version has added is none of
/// its business.
///
/// # Errors
/// See [`DatabaseError`].
pub fn pending(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    check_server(connection)?;
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
/// See [`DatabaseError`].
pub fn applied_versions(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    use diesel::dsl::sql;

    let exists: bool = diesel::select(sql::<Bool>(
        "to_regclass('__diesel_schema_migrations') IS NOT NULL",
    ))
    .get_result(connection)?;
    if !exists {
        return Ok(Vec::new());
    }
    Ok(__diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load(connection)?)
}

/// Refuses a server that lacks what the protocol is built on.
///
/// # Errors
/// [`DatabaseError::ServerTooOld`], or see [`DatabaseError`].
pub fn check_server(connection: &mut PgConnection) -> DatabaseResult<()> {
    let version: String = diesel::select(diesel::dsl::sql::<Text>("current_setting('server_version_num')"))
        .get_result(connection)?;
    check_version(&version)
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
