//! The verifiers, as a person may want to see them. How they register and renew is `jeton_coherence`'s.

use crate::DatabaseResult;
use crate::PgConnection;
use crate::schema::verifiers;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::time::Duration;
use uuid::Uuid;

/// A verifier.
#[derive(Debug, Clone, Queryable)]
pub struct Registration {
    /// Names one life of the verifier.
    pub id: Uuid,
    /// What a person calls it.
    pub name: String,
    lease_ms: i32,
    /// When it registered, by the server's clock.
    pub registered_at: DateTime<Utc>,
    /// The role of the database's that it has registered as.
    pub role: String,
}

impl Registration {
    /// How long after sending a renewal it may answer from memory.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default())
    }
}

/// Who has registered, newest first, at most `limit` of those older than `after`. By their ids, which grow with time.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    after: Option<Uuid>,
    limit: u32,
) -> DatabaseResult<Vec<Registration>> {
    let mut query = verifiers::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(verifiers::id.lt(after));
    }
    Ok(query
        .order(verifiers::id.desc())
        .limit(i64::from(limit))
        .select((
            verifiers::id,
            verifiers::name,
            verifiers::lease_ms,
            verifiers::created_at,
            verifiers::owner,
        ))
        .load(connection)?)
}

/// More verifiers than this are not watched one by one: their number alone says that something is wrong.
const MOST_WATCHED: i64 = 10_000;

/// How far a verifier has renewed.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Renewed {
    /// Names one life of the verifier.
    pub id: Uuid,
    /// Counts its renewals.
    pub version: i64,
    lease_ms: i32,
}

impl Renewed {
    /// One with this lease, to the millisecond.
    #[must_use]
    pub fn new(id: Uuid, version: i64, lease: Duration) -> Self {
        Self {
            id,
            version,
            lease_ms: i32::try_from(lease.as_millis()).unwrap_or(i32::MAX),
        }
    }

    /// How long after sending a renewal it may answer from memory.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default())
    }
}

/// How far each verifier has renewed, of ten thousand at the most.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn renewed(connection: &mut PgConnection) -> DatabaseResult<Vec<Renewed>> {
    Ok(verifiers::table
        .select((verifiers::id, verifiers::version, verifiers::lease_ms))
        .limit(MOST_WATCHED)
        .load(connection)?)
}
