//! The verifiers that may answer from memory, and what each has applied of the log of revocations.

use crate::connection::transaction;
use crate::functions::pg_current_snapshot;
use crate::revocations::Revoked;
use crate::schema::sql_types::PgSnapshot;
use crate::schema::verifiers;
use crate::{DatabaseError, DatabaseResult, Snapshot, revocations};
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Uuid as SqlUuid};
use std::time::Duration;
use uuid::Uuid;

/// The channel that verifiers listen to, and revokers notify. A notification only makes a renewal come sooner.
pub const NUDGE_CHANNEL: &str = "jeton_revocations";

/// More revoked digests than this at once, and the verifier forgets everything instead. The triggers log no more than
/// this of one statement, either.
const MOST_DIGESTS: usize = 20_000;

/// What [`session`] has named the session that runs the statement; null where it has not, or the name was reset.
const THIS_SESSION: &str = "nullif(current_setting('jeton.session', true), '')::uuid";

/// A session of the server's, by a name that no other ever has. Behind a pool that lends connections for a transaction,
/// it may be another one with each statement, and of a server that has crashed and lost since what was not on the disk.
/// The number of the process would not tell: in a container, it may be the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(Uuid);

/// A verifier at the beginning of its life.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What it has applied: it remembers nothing yet.
    pub applied: Snapshot,
    /// Where it has registered.
    pub session: Session,
}

/// What a renewal brought.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// What is to be forgotten.
    pub revoked: Revoked,
    /// What is applied once that is forgotten.
    pub snapshot: Snapshot,
}

/// Why a lease was not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRenewed {
    /// The row is gone: somebody has waited for the verifier in vain.
    Expired,
    /// Another session serves the connection than when it registered.
    Moved,
}

/// What became of taking a verifier off the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is off.
    Done,
    /// It has renewed, or is off already.
    NotDone,
    /// Nothing: another session serves the connection than when the verifier was first seen.
    Moved,
}

/// A verifier, as those see it who wait for it.
#[derive(Debug, Clone, Queryable)]
pub struct VerifierRow {
    /// Names one life of the verifier: it registers with another after every lost connection.
    pub id: Uuid,
    /// What a person calls it.
    pub name: String,
    /// Counts its renewals.
    pub version: i64,
    /// All revocations that this snapshot sees have left its memory.
    pub applied: Snapshot,
    /// See [`lease`](Self::lease).
    pub lease_ms: i32,
}

impl VerifierRow {
    /// How long after sending a renewal it may answer from memory.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default())
    }
}

/// Registers a verifier that remembers nothing, in place of what it was before it lost its connection. It must not
/// begin to remember before this has returned.
///
/// # Errors
/// See [`DatabaseError`].
pub fn register(
    connection: &mut PgConnection,
    id: Uuid,
    before: Option<Uuid>,
    name: &str,
    lease: Duration,
) -> DatabaseResult<Registered> {
    transaction(connection, |connection| {
        // If a crash could undo this, nobody would wait for a verifier that goes on for the rest of its lease.
        connection.batch_execute("SELECT jeton_commit_durably()")?;
        if let Some(before) = before {
            diesel::delete(verifiers::table.find(before)).execute(connection)?;
        }
        let lease_ms = i32::try_from(lease.as_millis()).unwrap_or(i32::MAX);
        let applied = diesel::insert_into(verifiers::table)
            .values((
                verifiers::id.eq(id),
                verifiers::name.eq(name),
                verifiers::applied.eq(pg_current_snapshot()),
                verifiers::lease_ms.eq(lease_ms),
            ))
            .returning(verifiers::applied)
            .get_result(connection)?;
        let session = session(connection)?;
        Ok(Registered { applied, session })
    })
}

/// Says what the verifier has applied, and reads what was revoked since: one statement, so that what is read and the
/// snapshot that it returns are the same. Only in the [`Session`] that it registered in: what it knows to have applied,
/// the server may have lost before another one began, and given its numbers to others.
///
/// # Errors
/// See [`DatabaseError`].
pub fn renew(
    connection: &mut PgConnection,
    id: Uuid,
    session: Session,
    applied: Snapshot,
) -> DatabaseResult<Result<Renewal, NotRenewed>> {
    let renew = Renew { id, session, applied };
    let (renewed, moved, snapshot, digests): (bool, bool, Snapshot, Vec<Vec<u8>>) =
        renew.get_result(connection)?;
    Ok(match (renewed, moved) {
        (true, _) => Ok(Renewal {
            revoked: revocations::revoked(digests, MOST_DIGESTS),
            snapshot,
        }),
        (false, true) => Err(NotRenewed::Moved),
        (false, false) => Err(NotRenewed::Expired),
    })
}

/// What [`renew`] asks, as a query that Diesel prepares once a connection.
#[derive(QueryId)]
struct Renew {
    id: Uuid,
    session: Session,
    applied: Snapshot,
}

impl QueryFragment<Pg> for Renew {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH renewed AS (UPDATE verifiers SET version = version + 1, applied = ");
        out.push_bind_param::<PgSnapshot, _>(&self.applied)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(" AND ");
        out.push_sql(THIS_SESSION);
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, _>(&self.session.0)?;
        // Should a crash undo the renewal, the verifier would only be waited for longer: no need to wait for the disk.
        out.push_sql(
            " RETURNING applied, set_config('synchronous_commit', 'off', true)) \
            SELECT EXISTS (SELECT FROM renewed), ",
        );
        out.push_sql(THIS_SESSION);
        out.push_sql(" IS DISTINCT FROM ");
        out.push_bind_param::<SqlUuid, _>(&self.session.0)?;
        out.push_sql(", pg_current_snapshot(), ARRAY(SELECT unapplied.digest FROM renewed AS v CROSS JOIN ");
        out.push_sql(revocations::UNAPPLIED);
        out.push_sql(" LIMIT ");
        out.push_sql(&(MOST_DIGESTS + 1).to_string());
        out.push_sql(")");
        Ok(())
    }
}

impl Query for Renew {
    type SqlType = (Bool, Bool, PgSnapshot, Array<Binary>);
}

impl RunQueryDsl<PgConnection> for Renew {}

/// The session that serves the connection. It gets its name here, if it has none yet.
///
/// # Errors
/// See [`DatabaseError`].
pub fn session(connection: &mut PgConnection) -> DatabaseResult<Session> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        session: Uuid,
    }
    let row: Row = diesel::sql_query(format!(
        "SELECT set_config('jeton.session', coalesce({THIS_SESSION}, gen_random_uuid())::text, false)::uuid AS session"
    ))
    .get_result(connection)?;
    Ok(Session(row.session))
}

/// Takes a verifier off the list that has stopped answering from memory.
///
/// # Errors
/// See [`DatabaseError`].
pub fn deregister(connection: &mut PgConnection, id: Uuid) -> DatabaseResult<()> {
    diesel::delete(verifiers::table.find(id)).execute(connection)?;
    Ok(())
}

/// Takes a verifier off the list that has not renewed since it was seen with this version; the caller has seen that
/// longer ago than the verifier's lease, and not before it was served by this session: a crash of the server may undo a
/// renewal, since renewals do not wait for the disk, and bring the version back of a verifier that lives on what it was
/// granted. As long as the session lives, there was none.
///
/// # Errors
/// See [`DatabaseError`].
pub fn remove_expired(
    connection: &mut PgConnection,
    id: Uuid,
    version: i64,
    session: Session,
) -> DatabaseResult<Removal> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        done: bool,
        #[diesel(sql_type = Bool)]
        moved: bool,
    }
    let row: Row = diesel::sql_query(format!(
        "WITH gone AS (DELETE FROM verifiers WHERE id = $1 AND version = $2 AND {THIS_SESSION} = $3 RETURNING id) \
        SELECT EXISTS (SELECT FROM gone) AS done, {THIS_SESSION} IS DISTINCT FROM $3 AS moved"
    ))
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(version)
    .bind::<SqlUuid, _>(session.0)
    .get_result(connection)?;
    Ok(match (row.done, row.moved) {
        (true, _) => Removal::Done,
        (false, true) => Removal::Moved,
        (false, false) => Removal::NotDone,
    })
}

/// Reads all verifiers.
///
/// # Errors
/// See [`DatabaseError`].
pub fn list(connection: &mut PgConnection) -> DatabaseResult<Vec<VerifierRow>> {
    Ok(verifiers::table
        .select((
            verifiers::id,
            verifiers::name,
            verifiers::version,
            verifiers::applied,
            verifiers::lease_ms,
        ))
        .load(connection)?)
}

/// Asks to be told of nudges on this connection: see [`nudged`].
///
/// # Errors
/// See [`DatabaseError`].
pub fn listen(connection: &mut PgConnection) -> DatabaseResult<()> {
    Ok(connection.batch_execute(&format!("LISTEN {NUDGE_CHANNEL}"))?)
}

/// Whether a nudge has come since the last call. Does not wait and does not ask the server: it reads what has arrived.
///
/// # Errors
/// See [`DatabaseError`].
pub fn nudged(connection: &mut PgConnection) -> DatabaseResult<bool> {
    let mut nudged = false;
    for notification in connection.notifications_iter() {
        // All that can go wrong here is the connection; Diesel has no word for it.
        notification.map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
        nudged = true;
    }
    Ok(nudged)
}

/// Makes all verifiers renew now instead of when it is time.
///
/// # Errors
/// See [`DatabaseError`].
pub fn nudge(connection: &mut PgConnection) -> DatabaseResult<()> {
    Ok(connection.batch_execute(&format!("NOTIFY {NUDGE_CHANNEL}"))?)
}
