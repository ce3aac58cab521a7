//! The log of revocations: who writes it (triggers, whatever changes the rows), what is waited for, and its purge.

use crate::connection::{told, transaction};
use crate::functions::{pg_current_snapshot, pg_current_xact_id_if_assigned, pg_snapshot_xmax};
use crate::schema::sql_types::Xid8;
use crate::schema::{revocations, tokens};
use crate::{DatabaseResult, Pending, PgConnection, Prepare, Xid, verifiers};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use futures_util::future::join;
use jeton_domain::TokenDigest;

/// What some verifier has not applied of the log: what `pg_visible_in_snapshot` says, in two parts that an index answers, and
/// each for all verifiers together, however many they are. So an old transaction that is still open costs nothing: what was
/// logged since, and has been applied, is not read again. A row that lies in the future is of another server: a restored dump
/// has such rows. `jeton_renew` asks the same for one verifier.
const UNAPPLIED: &str = "SELECT r.xid FROM revocations r WHERE r.xid < pg_snapshot_xmax(pg_current_snapshot()) AND r.xid >= \
        (SELECT pg_snapshot_xmax(applied) AS xmax FROM verifiers ORDER BY xmax LIMIT 1) \
    UNION SELECT r.xid FROM (SELECT DISTINCT pg_snapshot_xip(applied) AS xid FROM verifiers) AS open \
        JOIN revocations r ON r.xid = open.xid AND r.xid < pg_snapshot_xmax(pg_current_snapshot())";

/// What a verifier must forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// These tokens; perhaps none.
    These(Vec<TokenDigest>),
    /// Every token.
    Everything,
}

impl Revoked {
    /// Whether there is nothing to forget.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::These(digests) if digests.is_empty())
    }
}

/// Does what may revoke something, in one transaction, and says what must be waited for before it is acknowledged.
///
/// Where the work revoked nothing itself (a second attempt finds the token gone), that is everything that some
/// verifier has not applied yet: the first attempt may be among it. And since a crash of the server may have shown a commit
/// that was still waiting for a standby, this transaction waits as a revocation's does: whoever is told that something is gone
/// is told of a commit that is as durable.
///
/// # Errors
/// What the work says, or see [`DatabaseError`](crate::DatabaseError). After
/// [`Unavailable`](crate::DatabaseError::Unavailable) the work may be done all the same.
pub fn revoking<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> DatabaseResult<T>,
) -> DatabaseResult<Pending<T>> {
    let done = transaction(connection, |connection| -> DatabaseResult<_> {
        let value = work(connection)?;
        let pending = in_this_transaction(connection, value)?;
        if pending.is_settled() {
            commit_durably(connection)?;
        }
        Ok(pending)
    })?;
    if done.is_settled() {
        let (value, _) = done.into_unconfirmed();
        return Ok(unapplied(connection)?.map(|()| value));
    }
    Ok(done)
}

/// For an answer that something is not there. It may be gone by an attempt before this one, whose end nobody has seen: as in
/// [`revoking`], that has to hold everywhere, and be as durable, before it is said.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn gone<T>(connection: &mut PgConnection, answer: T) -> DatabaseResult<Pending<T>> {
    revoking(connection, |_| Ok(answer))
}

/// What a statement says that revokes something: the number of its transaction, which the nudge behind it is about.
pub const THIS_REVOCATION: &str = "set_config('jeton.revocation', pg_current_xact_id()::text, false)::xid8";

/// As [`revoking`], where one statement does it all, and is asked once instead of four times: it says [`THIS_REVOCATION`], or
/// nothing where it finds nothing to revoke and has done nothing. Gives whether it has found something.
///
/// The nudge is sent right behind it, and so on its way when its commit is known here.
///
/// # Errors
/// See [`revoking`].
pub fn revoking_at_once<Statement>(
    connection: &mut PgConnection,
    statement: &Statement,
) -> DatabaseResult<Pending<bool>>
where
    Statement: Query<SqlType = Xid8> + QueryFragment<Pg> + Sync,
{
    // Where commits hang, one is refused before it is tried, which takes a transaction.
    if !connection.may_hang() {
        let (xids, is_nudged) = connection.wait(async |c| {
            let ask = async {
                // All of the answer: what comes after the row is whether it could be committed.
                let asked = diesel_async::RunQueryDsl::load(statement.prepared(), &mut &**c).await;
                told(asked, c).await
            };
            let (xids, nudged): (QueryResult<Vec<Xid>>, _) =
                join(ask, verifiers::nudge_of_this_revocation(c)).await;
            Ok((xids?, nudged.unwrap_or(false)))
        })?;
        if !xids.is_empty() {
            return Ok(Pending::new(true, xids, connection.server()).nudged(is_nudged));
        }
    }
    revoking(connection, |connection| {
        let xid: Option<Xid> = statement.prepared().get_result(connection).optional()?;
        Ok(xid.is_some())
    })
}

/// Has the caller's transaction wait, when it commits, until all that was committed before it is as durable as a revocation.
/// One that has written nothing to the log of the server waits for nothing: hence the message, which nobody reads.
fn commit_durably(connection: &mut PgConnection) -> DatabaseResult<()> {
    #[cfg(feature = "negative-controls")]
    if crate::negative_controls::second_attempt_is_left_out() {
        return Ok(());
    }
    Ok(connection.batch_execute(
        "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local'); \
        SELECT pg_logical_emit_message(true, 'jeton', '')",
    )?)
}

/// The value, pending on what the caller's transaction has revoked: to be confirmed once that is committed.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn in_this_transaction<T>(connection: &mut PgConnection, value: T) -> DatabaseResult<Pending<T>> {
    // Null, which nothing equals, where the transaction has written nothing.
    let logged: Option<Xid> = revocations::table
        .filter(revocations::xid.nullable().eq(pg_current_xact_id_if_assigned()))
        .select(revocations::xid)
        .first(connection)
        .optional()?;
    Ok(Pending::new(
        value,
        logged.into_iter().collect(),
        connection.server(),
    ))
}

/// Everything in the log that some verifier has not applied.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn unapplied(connection: &mut PgConnection) -> DatabaseResult<Pending<()>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Xid8)]
        xid: Xid,
    }
    let rows: Vec<Row> = diesel::sql_query(UNAPPLIED).prepared().load(connection)?;
    let xids = rows.into_iter().map(|row| row.xid).collect();
    Ok(Pending::new((), xids, connection.server()))
}

/// Whether something has revoked this token, alone or with all others, so short a time ago that the log still has it.
/// `false` for a token that is still there: what was logged of it was something else, that its user was disabled, say.
/// As in [`revoking`], the answer has waited for a commit that is as durable as the one it tells of.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn of_token(connection: &mut PgConnection, digest: TokenDigest) -> DatabaseResult<Pending<bool>> {
    transaction(connection, |connection| {
        let every: &[u8] = &[];
        let xids: Vec<Xid> = revocations::table
            .filter(revocations::digest.eq_any([&digest.as_bytes()[..], every]))
            .filter(not(exists(
                tokens::table.filter(tokens::digest.eq(&digest.as_bytes()[..])),
            )))
            // What lies in the future is of another server, and no verifier will ever have applied it.
            .filter(revocations::xid.lt(pg_snapshot_xmax(pg_current_snapshot())))
            .select(revocations::xid)
            .distinct()
            .load(connection)?;
        if !xids.is_empty() {
            commit_durably(connection)?;
        }
        Ok(Pending::new(!xids.is_empty(), xids, connection.server()))
    })
}

pub(crate) fn revoked(digests: Vec<Vec<u8>>, most: usize) -> Revoked {
    if digests.len() > most {
        return Revoked::Everything;
    }
    // A digest that is none is the row for everything.
    let all: Option<Vec<TokenDigest>> = digests
        .into_iter()
        .map(|digest| <[u8; 32]>::try_from(digest).ok().map(TokenDigest::from))
        .collect();
    all.map_or(Revoked::Everything, Revoked::These)
}
