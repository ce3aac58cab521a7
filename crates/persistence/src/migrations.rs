//! Bringing a database up to date, beside services that are using it: see `docs/decisions/migrations.md`.

use crate::PgConnection;
use crate::{DatabaseError, DatabaseResult};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use jeton_coherence::{LOCK_TIMEOUT, applied_versions, disabled_triggers};
use std::thread;
use std::time::{Duration, Instant};

pub use jeton_coherence::pending;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// What programs that migrate the same database wait for each other by: "jeton" in ASCII.
const LOCK: i64 = 0x6a_65_74_6f_6e;

/// How long one attempt waits for a lock, in milliseconds. Whatever queues behind it, look-ups among it, waits as long. A
/// migration that takes two locks gives way within twice this time, before Postgres looks for deadlocks
/// (`deadlock_timeout`, 1 s by default) and may cancel the other side.
const LOCK_TIMEOUT_MS: u32 = 250;

/// How long what queued behind an attempt has the tables to itself before the next one: doubles from the first to the last.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often to ask whether another program has done migrating.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// How long [`apply`] tries to get the locks of one migration.
pub const LOCK_WAIT: Duration = Duration::from_secs(600);

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
    /// Another session kept a lock for too long. What was tried left nothing behind; what came before it stands.
    #[error(
        "{name} was not applied, since it needs a lock that is held by {holders}; try again when that has ended"
    )]
    Locked {
        /// The migration's name, or the trigger's that was to be turned on.
        name: String,
        /// The sessions that hold locks: process ids, what they call themselves, and when their statements began.
        holders: String,
    },
    /// Another session said for too long that it migrates: any role may hold that lock. Nothing was tried.
    #[error("another program migrates, or says so: {holders}; try again when that has ended")]
    Busy {
        /// The session, as in [`Locked`](Self::Locked).
        holders: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Applies what is pending, oldest first, each in a transaction of its own, and turns triggers on again that a restore has
/// turned off; returns the names of what it applied.
/// Safe to call from several programs at once: one works, the others wait and find nothing left to do.
///
/// Services may be running. What cannot get a lock gives way to them and is tried again, for up to [`LOCK_WAIT`].
///
/// # Errors
/// [`MigrationError`]
pub fn apply(connection: &mut PgConnection) -> Result<Vec<String>, MigrationError> {
    apply_within(connection, LOCK_WAIT)
}

/// As [`apply`], with another time for what cannot get a lock; it is tried once at least.
///
/// # Errors
/// [`MigrationError`]
pub fn apply_within(connection: &mut PgConnection, wait: Duration) -> Result<Vec<String>, MigrationError> {
    giving_way(connection, wait, |connection| {
        let mut applied = apply_pending(connection, &MIGRATIONS, wait)?;
        for trigger in disabled_triggers(connection)? {
            let name = trigger.to_string();
            retry(connection, &name, wait, |connection| {
                Ok(trigger.enable(connection)?)
            })?;
            applied.push(name);
        }
        Ok(applied)
    })
}

/// Applies migrations of a service's own, by the same rules. They, and the table that Diesel keeps of them, are in the
/// schema that comes first in the connection's `search_path`.
///
/// # Errors
/// [`MigrationError`]
pub fn apply_from(
    connection: &mut PgConnection,
    source: &impl MigrationSource<Pg>,
    wait: Duration,
) -> Result<Vec<String>, MigrationError> {
    giving_way(connection, wait, |connection| {
        apply_pending(connection, source, wait)
    })
}

fn apply_pending(
    connection: &mut PgConnection,
    source: &impl MigrationSource<Pg>,
    wait: Duration,
) -> Result<Vec<String>, MigrationError> {
    // What cannot be brought up to date is left as it is.
    applied_versions(connection)?;
    // Makes Diesel's own table where there is none.
    connection.applied_migrations().map_err(of_harness)?;
    let already = applied_versions(connection)?;
    let mut applied = Vec::new();
    for migration in sorted(source)? {
        if already.contains(&migration.name().version().to_string()) {
            continue;
        }
        let name = migration.name().to_string();
        tracing::info!(migration = name, "applying");
        retry(connection, &name, wait, |connection| {
            let ran = connection.run_migration(&migration);
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrationError::Failed {
                name: name.clone(),
                reason: error.to_string(),
            };
            ran.map(drop).map_err(failed)
        })?;
        applied.push(name);
    }
    Ok(applied)
}

/// The migrations, oldest first.
fn sorted(source: &impl MigrationSource<Pg>) -> DatabaseResult<Vec<Box<dyn Migration<Pg>>>> {
    let mut all = source.migrations().map_err(of_harness)?;
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

/// Tries again what gave way to others, until it is done, or the time is over.
fn retry(
    connection: &mut PgConnection,
    name: &str,
    wait: Duration,
    mut attempt: impl FnMut(&mut PgConnection) -> Result<(), MigrationError>,
) -> Result<(), MigrationError> {
    let began = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    loop {
        // Anew for each: a migration may have set another.
        let timeout = format!("SET lock_timeout = {LOCK_TIMEOUT_MS}");
        connection.batch_execute(&timeout).map_err(DatabaseError::from)?;
        match attempt(connection) {
            Err(error) if gave_way(&error) => {}
            done => return done,
        }
        let holders = holders(connection)?;
        if began.elapsed() >= wait {
            let name = name.to_owned();
            return Err(MigrationError::Locked { name, holders });
        }
        tracing::info!(migration = name, holders, "cannot get a lock; trying again");
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Whether it failed for `lock_timeout`, or in a deadlock. By their texts: see [`LOCK_TIMEOUT`].
fn gave_way(error: &MigrationError) -> bool {
    let text = error.to_string();
    text.contains(LOCK_TIMEOUT) || text.contains("deadlock detected")
}

/// A session that holds a lock, as people are told of it.
const HOLDER: &str = "coalesce('process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') \
    || ', statement of ' || coalesce(query_start::text, 'an unknown time') || ')', 'a prepared transaction')";

#[derive(QueryableByName)]
struct Holders {
    #[diesel(sql_type = Nullable<Text>)]
    holders: Option<String>,
}

impl Holders {
    fn said(self) -> String {
        self.holders.unwrap_or_else(|| "another session".to_owned())
    }
}

/// Who has held locks on these tables for all the time that an attempt waited, the oldest first.
fn holders(connection: &mut PgConnection) -> DatabaseResult<String> {
    let row: Holders = sql_query(format!(
        "SELECT string_agg(holder, ', ') AS holders FROM ( \
            SELECT {HOLDER} AS holder \
            FROM pg_locks LEFT JOIN pg_stat_activity USING (pid) \
            WHERE granted AND locktype = 'relation' AND pid IS DISTINCT FROM pg_backend_pid() \
                AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND relation IN (SELECT oid FROM pg_class \
                    WHERE relnamespace::regnamespace::text = ANY (current_schemas(false))) \
                AND coalesce(xact_start < now() - interval '{LOCK_TIMEOUT_MS} ms', true) \
            GROUP BY pid, application_name, query_start, xact_start ORDER BY xact_start LIMIT 3) AS oldest"
    ))
    .get_result(connection)?;
    Ok(row.said())
}

/// Does some work that [`retry`] is a part of, with messages in English where this user may choose that (see [`gave_way`]).
fn giving_way<T>(
    connection: &mut PgConnection,
    wait: Duration,
    work: impl FnOnce(&mut PgConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    under_lock(connection, wait, |connection| {
        let _ = connection.batch_execute("SET lc_messages = 'C'");
        let result = work(connection);
        for reset in ["RESET lock_timeout", "RESET lc_messages"] {
            let _ = connection.batch_execute(reset);
        }
        result
    })
}

fn under_lock<T>(
    connection: &mut PgConnection,
    wait: Duration,
    work: impl FnOnce(&mut PgConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    let began = Instant::now();
    while !try_lock(connection)? {
        let holders = migrating(connection)?;
        if began.elapsed() >= wait {
            return Err(MigrationError::Busy { holders });
        }
        tracing::debug!(holders, "another program migrates");
        thread::sleep(LOCK_POLL);
    }
    let result = work(connection);
    // Should this fail, the connection is gone and the lock with it.
    let _ = sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(connection);
    result
}

fn try_lock(connection: &mut PgConnection) -> DatabaseResult<bool> {
    let lock = diesel::dsl::sql::<Bool>(&format!("pg_try_advisory_lock({LOCK})"));
    Ok(diesel::select(lock).get_result(connection)?)
}

/// Who holds [`LOCK`].
fn migrating(connection: &mut PgConnection) -> DatabaseResult<String> {
    let (high, low) = (LOCK >> 32, LOCK & 0xffff_ffff);
    let row: Holders = sql_query(format!(
        "SELECT string_agg({HOLDER}, ', ') AS holders FROM pg_locks LEFT JOIN pg_stat_activity USING (pid) \
            WHERE granted AND locktype = 'advisory' AND classid = {high} AND objid = {low} AND objsubid = 1 \
                AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ))
    .get_result(connection)?;
    Ok(row.said())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_that_verifiers_ask_for_are_those_embedded() {
        let embedded: Vec<_> = sorted(&MIGRATIONS).unwrap();
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
