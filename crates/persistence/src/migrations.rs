//! Bringing a database up to date.

use crate::{DatabaseError, DatabaseResult, triggers};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::{PgConnection, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// What programs that migrate the same database wait for each other by: "jeton" in ASCII.
const LOCK: i64 = 0x6a_65_74_6f_6e;

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// One migration failed. It left nothing behind; those before it stand.
    #[error("migration {name} failed: {reason}")]
    Failed {
        /// The migration's name: its folder under `migrations/`.
        name: String,
        /// What the database said.
        reason: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Applies what is pending, oldest first, each in a transaction of its own, and turns triggers on again that a restore has
/// turned off; returns the names of what it applied.
/// Safe to call from several programs at once: one works, the others wait and find nothing left to do.
///
/// # Errors
/// [`MigrationError`]
pub fn apply(connection: &mut PgConnection) -> Result<Vec<String>, MigrationError> {
    check_server(connection)?;
    under_lock(connection, |connection| {
        // Makes Diesel's own table where there is none.
        connection.applied_migrations().map_err(of_harness)?;
        let mut applied = Vec::new();
        for migration in find_pending(connection)? {
            let name = migration.name().to_string();
            tracing::info!(migration = name, "applying");
            connection
                .run_migration(&migration)
                .map_err(|error| MigrationError::Failed {
                    name: name.clone(),
                    reason: error.to_string(),
                })?;
            applied.push(name);
        }
        for trigger in triggers::off(connection)? {
            triggers::turn_on(connection, &trigger)?;
            applied.push(trigger.label());
        }
        Ok(applied)
    })
}

/// Takes everything back, newest first: for the tests that every migration can be. Loses all data.
///
/// # Errors
/// [`MigrationError`]
pub fn revert_all(connection: &mut PgConnection) -> Result<(), MigrationError> {
    under_lock(connection, |connection| {
        connection.revert_all_migrations(MIGRATIONS).map_err(of_harness)?;
        Ok(())
    })
}

/// The names of what [`apply`] would apply: migrations, or, where none is missing, triggers that are turned off and
/// without which revocations would go unnoticed. Changes nothing.
///
/// # Errors
/// See [`DatabaseError`].
pub fn pending(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    let pending = find_pending(connection)?;
    if pending.is_empty() {
        let off = triggers::off(connection)?;
        return Ok(off.iter().map(triggers::Off::label).collect());
    }
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_string())
        .collect())
}

fn find_pending(connection: &mut PgConnection) -> DatabaseResult<Vec<Box<dyn Migration<Pg>>>> {
    let applied = applied_versions(connection)?;
    let mut pending = embedded()?;
    pending.retain(|migration| !applied.contains(&migration.name().version().to_string()));
    Ok(pending)
}

/// The migrations in this program, oldest first.
fn embedded() -> DatabaseResult<Vec<Box<dyn Migration<Pg>>>> {
    let mut all = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(of_harness)?;
    all.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    Ok(all)
}

/// Diesel's harness boxes its errors. What is in them matters: a lost connection must be known as one.
fn of_harness(error: Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => DatabaseError::from(*error),
        Err(other) => DatabaseError::Query(diesel::result::Error::QueryBuilderError(other)),
    }
}

/// The first version with transaction numbers of 64 bits, and snapshots of them, as types.
const OLDEST_SERVER: i32 = 13_00_00;

fn check_server(connection: &mut PgConnection) -> DatabaseResult<()> {
    let version: String = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(
        "current_setting('server_version_num')",
    ))
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

/// Read without Diesel's harness, which would create its table: a check must not write, and its role may not.
fn applied_versions(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    use diesel::dsl::sql;
    use diesel::sql_types::Bool;
    use diesel::{QueryDsl, select};

    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }

    check_server(connection)?;
    let exists: bool = select(sql::<Bool>(
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

fn under_lock<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    let lock = |function| sql_query(format!("SELECT {function}({LOCK})"));
    lock("pg_advisory_lock")
        .execute(connection)
        .map_err(DatabaseError::from)?;
    let result = work(connection);
    // Should this fail, the connection is gone and the lock with it.
    let _ = lock("pg_advisory_unlock").execute(connection);
    result
}

#[cfg(test)]
mod tests {
    use super::check_version;

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
