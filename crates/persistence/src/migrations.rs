//! Bringing a database up to date.

use crate::{DatabaseError, DatabaseResult};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::{PgConnection, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use jeton_coherence::{check_server, disabled_triggers};

pub use jeton_coherence::pending;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

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
        for trigger in disabled_triggers(connection)? {
            trigger.enable(connection)?;
            applied.push(trigger.to_string());
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

fn find_pending(connection: &mut PgConnection) -> DatabaseResult<Vec<Box<dyn Migration<Pg>>>> {
    let applied = jeton_coherence::applied_versions(connection)?;
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
    use super::*;

    #[test]
    fn what_verifiers_ask_for_is_what_is_embedded() {
        let embedded: Vec<_> = embedded().unwrap();
        let names: Vec<_> = embedded.iter().map(|one| one.name().to_string()).collect();
        assert_eq!(names, jeton_coherence::MIGRATIONS);
        for one in &embedded {
            let name = one.name();
            assert_eq!(
                name.version().to_string(),
                jeton_coherence::version(&name.to_string())
            );
        }
    }
}
