//! The verifiers that may answer from memory, and what each has applied of the log of revocations.

use crate::connection::transaction;
use crate::revocations::Revoked;
use crate::schema::sql_types::PgSnapshot;
use crate::schema::verifiers;
use crate::{DatabaseError, DatabaseResult, Snapshot, revocations};
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use std::time::Duration;
use uuid::Uuid;

/// The channel that verifiers listen to, and revokers notify. A notification only makes a renewal come sooner.
pub const NUDGE_CHANNEL: &str = "jeton_revocations";

/// How many verifiers a role may have registered at once, those among them that have died and were not taken off the list
/// yet: `jeton_register` refuses more.
pub const MOST_PER_ROLE: usize = 256;
/// What `jeton_register` conflicts with when a role has as many.
const PER_ROLE: &str = "verifiers_per_role";

/// How many verifiers revocations are waited for at the most: [`list`] reads one more than these, and where there is one
/// more, nothing can be confirmed until some are taken off the list. Forty roles can have so many, and nobody else but
/// whoever writes to the table by hand.
pub const MOST_LISTED: usize = 10_000;

/// More revoked digests than this at once, and the verifier forgets everything instead. The triggers log no more than
/// this of one statement, either, and `jeton_renew` tells one more.
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
    /// The row is gone: somebody has waited for the verifier in vain. Or it is another role's, or what is said to be applied
    /// is not what the last renewal has told.
    Expired,
    /// Another session serves the connection than when it registered.
    Moved,
}

/// What became of taking verifiers off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// These are off. The others have renewed, or are off already, or somebody holds their rows.
    Done(Vec<Removed>),
    /// Nothing: another session serves the connection than when the verifiers were first seen.
    Moved,
}

/// A verifier that was taken off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Which it was.
    pub id: Uuid,
    /// What a person called it; 128 characters at the most.
    pub name: String,
}

/// A verifier, as those see it who wait for it.
#[derive(Debug, Clone, Queryable)]
pub struct VerifierRow {
    /// Names one life of the verifier: it registers with another after every lost connection.
    pub id: Uuid,
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
/// begin to remember before this has returned. Of the name, 128 characters are kept.
///
/// # Errors
/// [`DatabaseError::TooManyVerifiers`], or see [`DatabaseError`].
pub fn register(
    connection: &mut PgConnection,
    id: Uuid,
    before: Option<Uuid>,
    name: &str,
    lease: Duration,
) -> DatabaseResult<Registered> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = PgSnapshot)]
        applied: Snapshot,
    }
    let registered = transaction(connection, |connection| {
        let lease_ms = i32::try_from(lease.as_millis()).unwrap_or(i32::MAX);
        let Row { applied } = diesel::sql_query("SELECT jeton_register($1, $2, $3, $4) AS applied")
            .bind::<SqlUuid, _>(id)
            .bind::<Nullable<SqlUuid>, _>(before)
            .bind::<Text, _>(name)
            .bind::<Integer, _>(lease_ms)
            .get_result(connection)?;
        let session = session(connection)?;
        Ok(Registered { applied, session })
    });
    registered.map_err(|error| match error {
        DatabaseError::Conflict { constraint } if constraint == PER_ROLE => DatabaseError::TooManyVerifiers,
        error => error,
    })
}

/// Says what the verifier has applied, which is what its last renewal has brought, or what it has registered with; and reads
/// what was revoked since: one statement, so that what is read and the snapshot that it returns are the same. Only in the
/// [`Session`] that it registered in: what it knows to have applied, the server may have lost before another one began, and
/// given its numbers to others.
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
        out.push_sql("SELECT renewed, moved, seen, digests FROM jeton_renew(");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.session.0)?;
        out.push_sql(", ");
        out.push_bind_param::<PgSnapshot, _>(&self.applied)?;
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

/// Takes a verifier of this role's off the list that has stopped answering from memory.
///
/// # Errors
/// See [`DatabaseError`].
pub fn deregister(connection: &mut PgConnection, id: Uuid) -> DatabaseResult<()> {
    diesel::sql_query("SELECT jeton_deregister($1)")
        .bind::<SqlUuid, _>(id)
        .execute(connection)?;
    Ok(())
}

/// Takes verifiers off the list, in one statement, that have not renewed since they were seen with these versions; the caller
/// has seen each longer ago than its lease, and not before it was served by this session: a crash of the server may undo a
/// renewal, since renewals do not wait for the disk, and bring the version back of a verifier that lives on what it was
/// granted. As long as the session lives, there was none.
///
/// # Errors
/// See [`DatabaseError`].
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
/// See [`DatabaseError`].
pub fn list(connection: &mut PgConnection) -> DatabaseResult<Vec<VerifierRow>> {
    let most = i64::try_from(MOST_LISTED + 1).unwrap_or(i64::MAX);
    Ok(verifiers::table
        .select((
            verifiers::id,
            verifiers::version,
            verifiers::applied,
            verifiers::lease_ms,
        ))
        .limit(most)
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
