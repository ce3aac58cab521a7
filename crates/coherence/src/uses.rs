//! When tokens were last used: gathered by the verifiers, written now and then.

use crate::DatabaseResult;
use crate::connection::told;
use diesel::sql_types::{Array, Double, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jeton_domain::TokenId;
use std::time::Duration;

/// Notes that tokens were used, so long ago each, to the minute: one statement, which does not wait for the disk. What this
/// role has noted before only rises, and what others have noted is theirs.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub async fn mark(connection: &mut AsyncPgConnection, used: &[(TokenId, Duration)]) -> DatabaseResult<()> {
    let ids: Vec<_> = used.iter().map(|(id, _)| id.0).collect();
    let ages: Vec<_> = used.iter().map(|(_, age)| age.as_secs_f64()).collect();
    let query = diesel::sql_query("SELECT jeton_note_uses($1, $2)")
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Double>, _>(ages);
    told(query.execute(connection).await, connection).await?;
    Ok(())
}
