//! A verifier's own side: it registers, renews, and hears that it should.

use super::{NUDGE_CHANNEL, NotRenewed, Registered, Renewal, Session, THIS_SESSION};
use crate::connection::{told, transaction_async};
use crate::open_connection::OpenConnection;
use crate::schema::sql_types::PgSnapshot;
use crate::{DatabaseError, DatabaseResult, Snapshot, revocations};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error::NotFound;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use jeton_domain::TokenDigest;
use std::time::Duration;
use uuid::Uuid;

/// What `jeton_register` conflicts with when a role has as many.
const PER_ROLE: &str = "verifiers_per_role";

/// More revoked digests than this at once, and the verifier forgets everything instead. The triggers log no more than
/// this of one statement, either, and `jeton_renew` tells one more.
const MOST_DIGESTS: usize = 20_000;

/// Registers a verifier that remembers nothing, in place of what it was before it lost its connection. It must not
/// begin to remember before this has returned. Of the name, 128 characters are kept.
///
/// # Errors
/// [`DatabaseError::TooManyVerifiers`], or see [`DatabaseError`].
pub async fn register(
    connection: &mut OpenConnection,
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
    let lease_ms = i32::try_from(lease.as_millis()).unwrap_or(i32::MAX);
    let query = diesel::sql_query("SELECT jeton_register($1, $2, $3, $4) AS applied")
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<SqlUuid>, _>(before)
        .bind::<Text, _>(name)
        .bind::<Integer, _>(lease_ms);
    let registered = transaction_async(connection, async |connection| {
        let Row { applied } = told(query.get_result(&mut **connection).await, connection).await?;
        let session = find_session(connection).await?;
        Ok(Registered { applied, session })
    });
    registered.await.map_err(|error| match error {
        DatabaseError::Conflict { constraint } if constraint == PER_ROLE => DatabaseError::TooManyVerifiers,
        error => error,
    })
}

/// Says what the verifier has applied, which is what its last renewal has brought, or what it has registered with; and reads
/// what was revoked since, as of the snapshot that it returns. What it has `dropped` it has forgotten already, and keeps nothing of until this is answered: where no more was revoked, nothing is left
/// to be forgotten, and all of it is applied. Only in the
/// [`Session`] that it registered in: what it knows to have applied, the server may have lost before another one began, and
/// given its numbers to others.
///
/// # Errors
/// See [`DatabaseError`].
pub async fn renew(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    session: Session,
    applied: Snapshot,
    dropped: &[TokenDigest],
) -> DatabaseResult<Result<Renewal, NotRenewed>> {
    let dropped = dropped.iter().map(|digest| digest.as_bytes().to_vec());
    let renew = Renew {
        id,
        session,
        applied,
        dropped: dropped.collect(),
    };
    // All of the answer: what comes after the row is whether it could be committed.
    let answer = renew.load(connection).await;
    let rows: Vec<(bool, bool, Snapshot, Vec<Vec<u8>>)> = told(answer, connection).await?;
    let (renewed, moved, snapshot, digests) = rows.into_iter().next().ok_or(NotFound)?;
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
    dropped: Vec<Vec<u8>>,
}

impl QueryFragment<Pg> for Renew {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT renewed, moved, seen, digests FROM jeton_renew(");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.session.0)?;
        out.push_sql(", ");
        out.push_bind_param::<PgSnapshot, _>(&self.applied)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.dropped)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Query for Renew {
    type SqlType = (Bool, Bool, PgSnapshot, Array<Binary>);
}

/// The session that serves the connection. It gets its name here, if it has none yet.
///
/// # Errors
/// See [`DatabaseError`].
pub async fn find_session(connection: &mut OpenConnection) -> DatabaseResult<Session> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        session: Uuid,
    }
    let query = diesel::sql_query(format!(
        "SELECT set_config('jeton.session', coalesce({THIS_SESSION}, gen_random_uuid())::text, false)::uuid AS session"
    ));
    let row: Row = told(query.get_result(&mut **connection).await, connection).await?;
    Ok(Session(row.session))
}

/// Takes a verifier of this role's off the list that has stopped answering from memory.
///
/// # Errors
/// See [`DatabaseError`].
pub async fn deregister(connection: &mut AsyncPgConnection, id: Uuid) -> DatabaseResult<()> {
    let query = diesel::sql_query("SELECT jeton_deregister($1)").bind::<SqlUuid, _>(id);
    told(query.execute(connection).await, connection).await?;
    Ok(())
}

/// Asks to be told of nudges on this connection: see [`nudge_received`].
///
/// # Errors
/// See [`DatabaseError`].
pub async fn listen(connection: &mut OpenConnection) -> DatabaseResult<()> {
    let listening = connection.batch_execute(&format!("LISTEN {NUDGE_CHANNEL}")).await;
    Ok(told(listening, connection).await?)
}

/// Waits for a nudge; those that have come meanwhile are one with it. Says which tokens were revoked, as whoever has sent it
/// says: anybody may have. Asks the server nothing. Whoever stops waiting has lost none: the next call returns at once.
///
/// # Errors
/// [`DatabaseError::Unavailable`] where the connection is lost.
pub async fn nudge_received(connection: &mut OpenConnection) -> DatabaseResult<Vec<TokenDigest>> {
    let payloads = connection.notified().await.map_err(DatabaseError::Unavailable)?;
    Ok(digests(&payloads))
}

/// As [`nudge_received`], without waiting: of nudges that have come.
pub fn nudges_so_far(connection: &mut OpenConnection) -> Vec<TokenDigest> {
    digests(&connection.notified_so_far())
}

/// What [`nudge`](super::nudge) has written, each once. Whatever else is there is passed by.
fn digests(payloads: &[String]) -> Vec<TokenDigest> {
    let in_hex = payloads
        .iter()
        .flat_map(|payload| payload.as_bytes().as_chunks::<64>().0);
    let mut digests: Vec<TokenDigest> = in_hex.filter_map(from_hex).collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}

fn from_hex(hex: &[u8; 64]) -> Option<TokenDigest> {
    let mut digest = [0; 32];
    for (byte, [high, low]) in digest.iter_mut().zip(hex.as_chunks().0) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(*high)? << 4 | value(*low)?).ok()?;
    }
    Some(TokenDigest::from(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_says_what_is_written_in_it_and_nothing_else() {
        let one = "0f".repeat(32);
        let says = |payloads: &[&str]| {
            let payloads: Vec<String> = payloads.iter().map(|&payload| payload.to_owned()).collect();
            let digests = digests(&payloads);
            digests
                .iter()
                .map(|digest| digest.as_bytes()[0])
                .collect::<Vec<u8>>()
        };
        assert_eq!(says(&[&one]), [0x0f]);
        assert_eq!(says(&[&"a1".repeat(64), &one, &one]), [0x0f, 0xa1]);
        assert_eq!(says(&["", "hello", &"xy".repeat(32), &one[1..]]), [0; 0]);
        assert_eq!(
            says(&[&format!("{}{one}", "é".repeat(32)), &format!("{one}0")]),
            [0x0f]
        );
    }
}
