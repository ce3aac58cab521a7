//! Whether the triggers are on that write the log of revocations. A restore may turn them off, and back on as ordinary
//! ones (`ENABLE TRIGGER ALL`), which the next restore passes by.

use crate::connection::told;
use crate::{DatabaseResult, PgConnection};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::fmt;

/// Those that have to be on, and how: `A`, always; `R`, for what is replicated (`pg_trigger.tgenabled`).
const WANTED: &str = "(VALUES \
    ('tokens', 'tokens_deleted', 'A'), \
    ('tokens', 'tokens_updated', 'A'), \
    ('tokens', 'tokens_truncated', 'A'), \
    ('tokens', 'tokens_inserted', 'A'), \
    ('tokens', 'tokens_replicated', 'R'), \
    ('users', 'users_updated', 'A'), \
    ('users', 'users_deleted', 'A'), \
    ('users', 'users_replicated', 'R'), \
    ('clients', 'clients_updated', 'A'), \
    ('clients', 'clients_deleted', 'A'), \
    ('clients', 'clients_replicated', 'R')) AS wanted (its, name, state)";

/// A trigger that is not on as it has to be.
#[derive(Debug, QueryableByName)]
pub struct DisabledTrigger {
    #[diesel(sql_type = Text)]
    its: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    state: String,
}

impl DisabledTrigger {
    /// Turns it on, as it has to be.
    ///
    /// # Errors
    /// See [`DatabaseError`](crate::DatabaseError).
    pub fn enable(&self, connection: &mut PgConnection) -> DatabaseResult<()> {
        let Self { its, name, state } = self;
        let when = if state == "A" { "ALWAYS" } else { "REPLICA" };
        Ok(connection.batch_execute(&format!("ALTER TABLE {its} ENABLE {when} TRIGGER {name}"))?)
    }
}

/// As it stands beside the names of migrations.
impl fmt::Display for DisabledTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trigger {}", self.name)
    }
}

/// Those that are not on as they have to be, in a database that has all migrations.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn disabled_triggers(connection: &mut PgConnection) -> DatabaseResult<Vec<DisabledTrigger>> {
    connection.wait(|connection| find_disabled_triggers(connection))
}

pub(crate) async fn find_disabled_triggers(
    connection: &mut AsyncPgConnection,
) -> DatabaseResult<Vec<DisabledTrigger>> {
    let query = sql_query(format!(
        "SELECT its, name, state FROM {WANTED} \
        WHERE NOT EXISTS (SELECT FROM pg_trigger \
            WHERE tgrelid = its::regclass AND tgname = name AND tgenabled::text = state) \
        ORDER BY its, name"
    ));
    Ok(told(query.load(connection).await, connection).await?)
}
