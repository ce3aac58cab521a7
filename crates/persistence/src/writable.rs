use crate::DatabaseResult;
use crate::PgConnection;
use diesel::RunQueryDsl;

/// Begins a transaction that could write, and writes nothing. It takes a number, and a lock of the server's one table of them:
/// where that is full, reading goes on, and this does not.
///
/// # Errors
/// [`DatabaseError::Unavailable`](crate::DatabaseError::Unavailable): nothing can be written now; or see
/// [`DatabaseError`](crate::DatabaseError).
pub fn check_writable(connection: &mut PgConnection) -> DatabaseResult<()> {
    diesel::sql_query("SELECT pg_current_xact_id()").execute(connection)?;
    Ok(())
}
