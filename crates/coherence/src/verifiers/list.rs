//! The revoker's side: it looks who has applied what, makes them renew, and takes the dead off.

use super::{MOST_LISTED, NUDGE_CHANNEL, Removal, Removed, Session, THIS_SESSION, VerifierRow, find_session};
use crate::connection::told;
use crate::schema::sql_types::Xid8;
use crate::schema::verifiers;
use crate::{DatabaseResult, PgConnection, Prepare, Xid};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use futures_util::future::join;
use uuid::Uuid;

/// As [`find_session`], for who blocks.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn session(connection: &mut PgConnection) -> DatabaseResult<Session> {
    connection.wait(find_session)
}

/// Takes verifiers off the list, in one statement, that have not renewed since they were seen with these versions; the caller
/// has seen each longer ago than its lease, and not before it was served by this session: a crash of the server may undo a
/// renewal, since renewals do not wait for the disk, and bring the version back of a verifier that lives on what it was
/// granted. As long as the session lives, there was none.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn remove_expired(
    connection: &mut PgConnection,
    dead: &[(Uuid, i64)],
    session: Session,
) -> DatabaseResult<Removal> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        moved: bool,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        removed: Option<Uuid>,
        #[diesel(sql_type = Nullable<Text>)]
        called: Option<String>,
    }
    let (ids, versions): (Vec<Uuid>, Vec<i64>) = dead.iter().copied().unzip();
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT {THIS_SESSION} IS DISTINCT FROM $3 AS moved, removed, called \
        FROM (SELECT) AS once LEFT JOIN jeton_remove_expired($1, $2, $3) ON true"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(versions)
    .bind::<SqlUuid, _>(session.0)
    .load(connection)?;
    if rows.iter().any(|row| row.moved) {
        return Ok(Removal::Moved);
    }
    let removed = rows.into_iter().filter_map(|row| {
        let (id, name) = (row.removed?, row.called.unwrap_or_default());
        Some(Removed { id, name })
    });
    Ok(Removal::Done(removed.collect()))
}

/// Reads all verifiers; where they are more than [`MOST_LISTED`], one more than those, whichever they are.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(connection: &mut PgConnection) -> DatabaseResult<Vec<VerifierRow>> {
    connection.wait(async |c| load(c).await)
}

/// Makes all verifiers renew now instead of when it is time, and tells them what these transactions have revoked.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn nudge(connection: &mut PgConnection, xids: &[Xid]) -> DatabaseResult<()> {
    connection.wait(async |c| notify(c, Of::These(xids)).await)?;
    Ok(())
}

/// [`nudge`], of what the statement before this one has revoked; where that is nothing, nobody is told, and it gives `false`.
pub(crate) async fn nudge_of_this_revocation(connection: &AsyncPgConnection) -> DatabaseResult<bool> {
    notify(connection, Of::TheLast).await
}

/// [`nudge`], and then [`list`], in one go: whether the nudge was passed on, and the list.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn nudge_and_list(
    connection: &mut PgConnection,
    xids: &[Xid],
) -> DatabaseResult<(DatabaseResult<()>, Vec<VerifierRow>)> {
    connection.wait(async |c| {
        let (nudged, rows) = join(notify(c, Of::These(xids)), load(c)).await;
        Ok((nudged.map(|_| ()), rows?))
    })
}

async fn load(connection: &AsyncPgConnection) -> DatabaseResult<Vec<VerifierRow>> {
    let most = i64::try_from(MOST_LISTED + 1).unwrap_or(i64::MAX);
    let query = verifiers::table
        .select((
            verifiers::id,
            verifiers::version,
            verifiers::applied,
            verifiers::lease_ms,
        ))
        .limit(most);
    let rows = diesel_async::RunQueryDsl::load(query, &mut &*connection).await;
    Ok(told(rows, connection).await?)
}

/// Gives whether there was anything to tell.
async fn notify(connection: &AsyncPgConnection, of: Of<'_>) -> DatabaseResult<bool> {
    let notified = diesel_async::RunQueryDsl::execute(Nudge(of).prepared(), &mut &*connection).await;
    Ok(told(notified, connection).await? > 0)
}

/// Which transactions have revoked what is told.
#[derive(Debug)]
enum Of<'a> {
    These(&'a [Xid]),
    /// The last one of this session that has said [`THIS_REVOCATION`](crate::revocations::THIS_REVOCATION), once.
    TheLast,
}

/// What [`notify`] asks.
#[derive(Debug)]
struct Nudge<'a>(Of<'a>);

impl QueryFragment<Pg> for Nudge<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH these AS MATERIALIZED (SELECT ");
        match &self.0 {
            Of::These(xids) => out.push_bind_param::<Array<Xid8>, _>(xids)?,
            Of::TheLast => out.push_sql(
                "CASE WHEN current_setting('jeton.revocation', true) <> '' \
                THEN ARRAY[current_setting('jeton.revocation')::xid8] END",
            ),
        }
        // A payload has less than 8,000 bytes. What is not told is told by the renewal.
        out.push_sql(&format!(
            " AS xids) SELECT pg_notify('{NUDGE_CHANNEL}', (SELECT string_agg(encode(digest, 'hex'), '') FROM \
                (SELECT digest FROM revocations WHERE xid = ANY (xids) LIMIT 120) AS told)), \
                set_config('jeton.revocation', '', false) \
            FROM these WHERE xids IS NOT NULL"
        ));
        Ok(())
    }
}
