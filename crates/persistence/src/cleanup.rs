//! Deleting what nobody needs any more: expired and idle tokens, applied revocations, uses of tokens that are gone, old
//! audit events, counts of attempts that no longer count. In small batches, by any instance, one at a time.
//!
//! What has expired is known by a clock, and a clock may be wrong. So the cleanup goes by one of its own, a row that follows
//! the server's and is never ahead of it, and moves no faster than twice as fast as time passes.

use crate::PgConnection;
use crate::locks::{self, Lock};
use crate::transaction;
use crate::{DatabaseResult, audit, rate_limit};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use jeton_coherence::ENDS_AT;
use std::time::Duration;
use uuid::Uuid;

/// The most rows of a table that one transaction deletes.
const BATCH: i32 = 1000;
/// How many uses, or tokens with an idle time, one step looks at: most of them stay.
const SWEEP: i32 = 10_000;

/// For how long after its end a device is told that its request has ended, and not that there is none.
const END_TOLD_FOR: Duration = Duration::from_secs(600);
/// For how long after its end a code that is used again is known to be one: what was given for it is taken back then.
const REPLAYS_NOTICED_FOR: Duration = Duration::from_secs(3600);

/// The time that the cleanup goes by: the clock, where it has none of its own yet.
pub(crate) const CLEANUP_CLOCK: &str = "(SELECT least(now(), min(shows)) FROM cleanup_clock)";

/// What is purged, each kind by itself: a table that somebody has locked keeps none of the others from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The log, as far as it is applied.
    Revocations,
    /// Expired tokens.
    ExpiredTokens,
    /// Expired tokens of apps.
    DelegatedTokens,
    /// Tokens that nobody has used for too long.
    IdleTokens,
    /// Uses of tokens that are gone.
    Uses,
    /// Old audit events.
    AuditEvents,
    /// Counts of attempts to sign in to an account.
    AccountAttempts,
    /// The same of networks.
    NetworkAttempts,
    /// Requests of apps that nobody has decided in time.
    Authorizations,
    /// Authorization codes that are too old for anybody to replay them.
    AuthorizationCodes,
    /// Refresh tokens that nobody has used for too long.
    RefreshTokens,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Revocations,
        Self::ExpiredTokens,
        Self::DelegatedTokens,
        Self::IdleTokens,
        Self::Uses,
        Self::AuditEvents,
        Self::AccountAttempts,
        Self::NetworkAttempts,
        Self::Authorizations,
        Self::AuthorizationCodes,
        Self::RefreshTokens,
    ];
}

/// What a cleanup remembers from one step to the next.
#[derive(Debug, Default)]
pub struct Cleanup {
    /// Where the sweep of the uses has come to.
    swept: Option<Uuid>,
    /// Where the sweep of the tokens with an idle time has come to.
    swept_idle: Option<Uuid>,
    /// How long audit events are kept; `None`: for ever.
    audit_retention: Option<Duration>,
    /// How long the tokens of apps live.
    delegated_ttl: Duration,
}

/// What one step deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaned {
    /// How many rows.
    pub rows: usize,
    /// Whether another step is to be done at once: there was a full batch. A sweep that finds little to delete goes on with
    /// the next round, so that it may take a day and never all of an instance's time.
    pub more: bool,
    /// How far the time that the cleanup goes by is behind the server's clock: it has jumped ahead by so much, or there was no
    /// cleanup for so long, less the time since.
    pub behind: Duration,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
}

impl Cleanup {
    /// A cleanup that keeps audit events for so long, [`audit::SHORTEST_RETENTION_DAYS`] at the least; `None`: for ever.
    #[must_use]
    pub fn new(audit_retention: Option<Duration>) -> Self {
        Self {
            audit_retention,
            ..Self::default()
        }
    }

    /// The same, where the tokens of apps live for so long. An expired one stays for as long again: then it is remembered nowhere,
    /// and its deletion need not be in the log of revocations. One that lives longer is logged, which does no harm.
    #[must_use]
    pub fn delegated_ttl(self, delegated_ttl: Duration) -> Self {
        Self {
            delegated_ttl,
            ..self
        }
    }

    /// One step: a batch of one kind. `None`: another instance is at it.
    ///
    /// # Errors
    /// See [`DatabaseError`](crate::DatabaseError).
    pub fn step(&mut self, connection: &mut PgConnection, kind: Kind) -> DatabaseResult<Option<Cleaned>> {
        transaction(connection, |connection| {
            // One purges, the others go on with their work.
            if !locks::try_hold(connection, Lock::Cleanup)? {
                return Ok(None);
            }
            let behind = move_clock(connection)?;
            let rows = self.delete(connection, kind)?;
            Ok(Some(Cleaned {
                rows,
                more: rows >= BATCH as usize,
                behind,
            }))
        })
    }

    fn delete(&mut self, connection: &mut PgConnection, kind: Kind) -> DatabaseResult<usize> {
        match kind {
            Kind::Revocations => delete_applied(connection),
            Kind::ExpiredTokens => delete_expired(connection, &["login", "personal"], Duration::ZERO),
            Kind::DelegatedTokens => delete_expired(connection, &["delegated"], self.delegated_ttl),
            Kind::IdleTokens => self.sweep_idle(connection),
            Kind::Uses => self.sweep_uses(connection),
            Kind::AuditEvents => match self.audit_retention {
                Some(retention) => audit::cleanup(connection, retention, BATCH),
                None => Ok(0),
            },
            Kind::AccountAttempts => rate_limit::cleanup_accounts(connection, BATCH),
            Kind::NetworkAttempts => rate_limit::cleanup_networks(connection, BATCH),
            Kind::Authorizations => delete_ended(connection, "authorizations", END_TOLD_FOR),
            Kind::AuthorizationCodes => delete_ended(connection, "authorization_codes", REPLAYS_NOTICED_FOR),
            Kind::RefreshTokens => delete_ended(connection, "refresh_tokens", Duration::ZERO),
        }
    }

    /// Deletes what has been idle for too long, and for some time more: of a use that is still to be noted nobody knows
    /// yet that it made the token last. It goes through all tokens by and by: an index of those that may be idle would be
    /// written with each sign-in, and locked with each look-up.
    fn sweep_idle(&mut self, connection: &mut PgConnection) -> DatabaseResult<usize> {
        let from = self.swept_idle.unwrap_or_default();
        let last: Found = diesel::sql_query(
            "SELECT (SELECT id FROM tokens WHERE id > $1 ORDER BY id \
                OFFSET $2 LIMIT 1) AS id",
        )
        .bind::<SqlUuid, _>(from)
        .bind::<Integer, _>(SWEEP)
        .get_result(connection)?;
        let deleted: Vec<Found> = diesel::sql_query(format!(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE idle_ttl_secs IS NOT NULL \
                AND id > $1 AND id <= $2 AND {ENDS_AT} <= {CLEANUP_CLOCK} - interval '10 minutes' \
                ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id",
        ))
        .bind::<SqlUuid, _>(from)
        .bind::<SqlUuid, _>(last.id.unwrap_or(Uuid::max()))
        .bind::<Integer, _>(BATCH)
        .load(connection)?;
        // A full batch: there may be more of them before the last that was to be looked at.
        self.swept_idle = if deleted.len() < BATCH as usize {
            last.id
        } else {
            deleted.iter().filter_map(|deleted| deleted.id).max()
        };
        Ok(deleted.len())
    }

    fn sweep_uses(&mut self, connection: &mut PgConnection) -> DatabaseResult<usize> {
        let from = self.swept.unwrap_or_default();
        let last: Found = diesel::sql_query(
            "SELECT (SELECT token_id FROM token_uses WHERE token_id > $1 ORDER BY token_id \
                OFFSET $2 LIMIT 1) AS id",
        )
        .bind::<SqlUuid, _>(from)
        .bind::<Integer, _>(SWEEP)
        .get_result(connection)?;
        // A subquery that stays one: a join would be planned as one with all tokens. A row that somebody writes at the
        // moment, or holds, is for the next sweep.
        let deleted = diesel::sql_query(
            "DELETE FROM token_uses WHERE ctid = ANY (ARRAY(SELECT ctid FROM token_uses \
                WHERE token_id > $1 AND token_id <= $2 \
                    AND (SELECT id FROM tokens WHERE tokens.id = token_uses.token_id) IS NULL \
                FOR UPDATE SKIP LOCKED))",
        )
        .bind::<SqlUuid, _>(from)
        .bind::<SqlUuid, _>(last.id.unwrap_or(Uuid::max()))
        .execute(connection)?;
        self.swept = last.id;
        Ok(deleted)
    }
}

/// Moves the cleanup's clock on, by twice the time since it was last moved at the most: of that time, the server's clock is
/// believed two minutes, which are more than pass between two rounds. Where there is none yet, it begins now. Says how far
/// it is behind.
fn move_clock(connection: &mut PgConnection) -> DatabaseResult<Duration> {
    #[derive(QueryableByName)]
    struct Moved {
        #[diesel(sql_type = Double)]
        behind: f64,
    }
    let moved: Moved = diesel::sql_query(
        "INSERT INTO cleanup_clock AS c (shows, checked_at) VALUES (now(), now()) \
            ON CONFLICT (only_row) DO UPDATE SET checked_at = now(), shows = least(now(), \
                c.shows + 2 * least(greatest(now() - c.checked_at, interval '0'), interval '2 minutes')) \
            RETURNING extract(epoch FROM now() - shows)::float8 AS behind",
    )
    .get_result(connection)?;
    Ok(Duration::try_from_secs_f64(moved.behind).unwrap_or_default())
}

/// Deletes expired tokens, of each kind the oldest first, but none that somebody else is changing: nobody waits for the cleanup, and it for nobody.
fn delete_expired(connection: &mut PgConnection, kinds: &[&str], ago: Duration) -> DatabaseResult<usize> {
    Ok(diesel::sql_query(format!(
        "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens \
            WHERE kind = ANY ($3) AND expires_at <= {CLEANUP_CLOCK} - make_interval(secs => $2) \
            ORDER BY kind, expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    ))
    .bind::<Integer, _>(BATCH)
    .bind::<Double, _>(ago.as_secs_f64())
    .bind::<Array<Text>, _>(kinds)
    .execute(connection)?)
}

/// The same of a table whose rows end, and of which no verifier knows anything.
fn delete_ended(connection: &mut PgConnection, table: &str, ago: Duration) -> DatabaseResult<usize> {
    Ok(diesel::sql_query(format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} \
            WHERE expires_at <= {CLEANUP_CLOCK} - make_interval(secs => $2) \
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))",
    ))
    .bind::<Integer, _>(BATCH)
    .bind::<Double, _>(ago.as_secs_f64())
    .execute(connection)?)
}

/// Deletes what every registered verifier has applied, and what is of another server (a restored dump brings it along):
/// a row that can be seen is below xmax. A verifier that registers later remembers nothing from before.
///
/// Two ranges of an index, and the rows by their places, which nobody else changes: what is to stay is not read, however
/// much an old transaction or a slow verifier keeps.
fn delete_applied(connection: &mut PgConnection) -> DatabaseResult<usize> {
    Ok(diesel::sql_query(
        "DELETE FROM revocations WHERE ctid = ANY (ARRAY( \
            (SELECT ctid FROM revocations WHERE xid < least(pg_snapshot_xmin(pg_current_snapshot()), \
                    (SELECT pg_snapshot_xmin(applied) AS xmin FROM verifiers ORDER BY xmin LIMIT 1)) \
                ORDER BY xid LIMIT $1) \
            UNION ALL (SELECT ctid FROM revocations WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()) \
                ORDER BY xid LIMIT $1) \
            LIMIT $1))",
    )
    .bind::<BigInt, _>(i64::from(BATCH))
    .execute(connection)?)
}
