//! How a server plans what is asked again and again on a connection of its own.

use crate::DatabaseResult;
use crate::connection::told;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

/// Has look-ups and renewals on this connection planned once, by the indexes: to plan them takes longer than to run them. So the
/// plan is right for tables of any size, and may be kept: it may be of a time when they were empty.
pub const PLAN_ONCE: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

/// See [`PLAN_ONCE`].
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub async fn plan_once(connection: &mut AsyncPgConnection) -> DatabaseResult<()> {
    let set = connection.batch_execute(PLAN_ONCE).await;
    Ok(told(set, connection).await?)
}
