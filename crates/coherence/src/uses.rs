//! When tokens were last used: gathered by the verifiers, written now and then.

use crate::DatabaseResult;
use crate::connection::transaction;
use crate::functions::pg_try_advisory_xact_lock;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Double, Uuid as SqlUuid};
use jeton_domain::TokenId;
use std::time::Duration;

/// Whoever writes or purges uses holds this lock, so that no two ever wait for each other's rows: "jetonuse" in ASCII.
const LOCK: i64 = 0x6a_65_74_6f_6e_75_73_65;

/// Notes that tokens were used, so long ago each, to the minute. `false`: somebody else is at it, and nothing was done;
/// try again later, or forget it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn mark(connection: &mut PgConnection, used: &[(TokenId, Duration)]) -> DatabaseResult<bool> {
    transaction(connection, |connection| {
        // Nobody minds when a crash takes a mark away.
        connection.batch_execute("SET LOCAL synchronous_commit = off")?;
        if !lock(connection)? {
            return Ok(false);
        }
        let ids: Vec<_> = used.iter().map(|(id, _)| id.0).collect();
        let ages: Vec<_> = used.iter().map(|(_, age)| age.as_secs_f64()).collect();
        diesel::sql_query(
            "INSERT INTO token_uses AS known (token_id, last_used_at) \
                SELECT used.id, max(date_trunc('minute', now() - make_interval(secs => used.age))) \
                    FROM unnest($1, $2) AS used (id, age) JOIN tokens ON tokens.id = used.id GROUP BY used.id \
                ON CONFLICT (token_id) DO UPDATE SET last_used_at = excluded.last_used_at \
                    WHERE known.last_used_at < excluded.last_used_at",
        )
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Double>, _>(ages)
        .execute(connection)?;
        Ok(true)
    })
}

/// Takes the lock until the transaction ends, if nobody has it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn lock(connection: &mut PgConnection) -> DatabaseResult<bool> {
    Ok(diesel::select(pg_try_advisory_xact_lock(LOCK)).get_result(connection)?)
}
