//! Whether the triggers are on that write the log of revocations. A restore may turn them off, and back on as ordinary
//! ones (`ENABLE TRIGGER ALL`), which the next restore passes by.

use crate::DatabaseResult;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

/// Those that have to be on, and how: `A`, always; `R`, for what is replicated (`pg_trigger.tgenabled`).
const WANTED: &str = "(VALUES \
    ('tokens', 'tokens_deleted', 'A'), \
    ('tokens', 'tokens_updated', 'A'), \
    ('tokens', 'tokens_truncated', 'A'), \
    ('tokens', 'tokens_came', 'A'), \
    ('tokens', 'tokens_replicated', 'R'), \
    ('users', 'users_updated', 'A'), \
    ('users', 'users_deleted', 'A'), \
    ('users', 'users_replicated', 'R')) AS wanted (its, name, state)";

#[derive(QueryableByName)]
pub(crate) struct Off {
    #[diesel(sql_type = Text)]
    its: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    state: String,
}

impl Off {
    /// As it stands beside the names of migrations.
    pub(crate) fn label(&self) -> String {
        format!("trigger {}", self.name)
    }
}

/// Those that are not on as they have to be, in a database that has all migrations.
pub(crate) fn off(connection: &mut PgConnection) -> DatabaseResult<Vec<Off>> {
    Ok(sql_query(format!(
        "SELECT its, name, state FROM {WANTED} \
        WHERE NOT EXISTS (SELECT FROM pg_trigger \
            WHERE tgrelid = its::regclass AND tgname = name AND tgenabled::text = state) \
        ORDER BY its, name"
    ))
    .load(connection)?)
}

pub(crate) fn turn_on(connection: &mut PgConnection, Off { its, name, state }: &Off) -> DatabaseResult<()> {
    let when = if state == "A" { "ALWAYS" } else { "REPLICA" };
    Ok(connection.batch_execute(&format!("ALTER TABLE {its} ENABLE {when} TRIGGER {name}"))?)
}
