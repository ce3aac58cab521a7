//! Who did what to whom, and from where: written in the same transaction as what it tells of, and never changed.

mod writing;

pub(crate) use writing::InsertEvent;
pub use writing::{NewAuditEvent, record};

use crate::DatabaseResult;
use crate::PgConnection;
use crate::cleanup::CLEANUP_CLOCK;
use crate::schema::{audit_events, users};
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Jsonb};
use ipnet::IpNet;
use jeton_domain::{AuditAction, TokenId, UserId};
use serde_json::{Value, json};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// How long events are kept at the least, in days: the database refuses to delete younger ones.
pub const SHORTEST_RETENTION_DAYS: u32 = 7;

/// Something that happened, as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// Names the event.
    pub id: Uuid,
    /// When it was written down, which is the end of what it tells of: its transaction may have begun earlier.
    pub at: DateTime<Utc>,
    /// What: the name of an [`AuditAction`], perhaps of one that this version does not know.
    pub action: String,
    /// Which user did it, if it was one.
    pub actor_id: Option<UserId>,
    /// What that user is called; `None` also where the user is gone.
    pub actor_username: Option<String>,
    /// Who did it, if it was no user: see [`Actor::label`](jeton_domain::Actor::label).
    pub actor_label: Option<String>,
    /// To whom.
    pub subject_id: Option<UserId>,
    /// What the subject was called then.
    pub subject_username: Option<String>,
    /// Which token was issued, renamed or revoked.
    pub token_id: Option<TokenId>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What the logs name the request by.
    pub request_id: Option<String>,
    /// What else is worth knowing: an object.
    pub detail: Value,
}

/// The place of an event in the list: where the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCursor {
    /// [`AuditEvent::at`].
    pub at: DateTime<Utc>,
    /// [`AuditEvent::id`].
    pub id: Uuid,
}

impl AuditEvent {
    /// Its place in the list.
    #[must_use]
    pub fn cursor(&self) -> AuditCursor {
        AuditCursor {
            at: self.at,
            id: self.id,
        }
    }
}

/// As one word that needs no quoting in an address: microseconds since 1970, a dot, the id.
impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.timestamp_micros(), self.id)
    }
}

/// A text that is no [`AuditCursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the audit log")]
pub struct InvalidAuditCursor;

impl FromStr for AuditCursor {
    type Err = InvalidAuditCursor;

    fn from_str(text: &str) -> Result<Self, InvalidAuditCursor> {
        let (micros, id) = text.split_once('.').ok_or(InvalidAuditCursor)?;
        let micros = micros.parse().map_err(|_| InvalidAuditCursor)?;
        Ok(Self {
            at: DateTime::from_timestamp_micros(micros).ok_or(InvalidAuditCursor)?,
            id: id.parse().map_err(|_| InvalidAuditCursor)?,
        })
    }
}

/// Which events are asked for: those that all of this is true of.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter {
    /// What happened to this user.
    pub subject: Option<UserId>,
    /// What this user did.
    pub actor: Option<UserId>,
    /// What.
    pub action: Option<AuditAction>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    action: String,
    actor_id: Option<Uuid>,
    actor_username: Option<String>,
    actor_label: Option<String>,
    subject_id: Option<Uuid>,
    subject_username: Option<String>,
    token_id: Option<Uuid>,
    address: Option<IpNet>,
    request_id: Option<String>,
    detail: Detail,
}

/// JSON as a row has it, or its text, where Rust has no such value: Postgres has numbers of any size, and objects in objects
/// without end.
#[derive(Debug, FromSqlRow)]
struct Detail(Result<Value, String>);

impl FromSql<Jsonb, Pg> for Detail {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // The first byte is the version of the format.
        let text = value.as_bytes().get(1..).unwrap_or_default();
        Ok(Self(
            serde_json::from_slice(text).map_err(|_| String::from_utf8_lossy(text).into_owned()),
        ))
    }
}

/// Reads events, the newest first, at most `limit` of those that come after `after` in that order. The order is that of
/// the pair of time and id, which no event shares with another. An event is there once its transaction has ended, a moment
/// after its time; whoever reads on from where they were some time ago reads a minute of what they know again.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    after: Option<AuditCursor>,
    limit: u32,
) -> DatabaseResult<Vec<AuditEvent>> {
    use audit_events as e;
    let mut query = e::table
        .left_join(users::table.on(e::actor_id.eq(users::id.nullable())))
        .into_boxed();
    if let Some(subject) = filter.subject {
        query = query.filter(e::subject_id.eq(subject.0));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(e::actor_id.eq(actor.0));
    }
    if let Some(action) = filter.action {
        query = query.filter(e::action.eq(action.as_str()));
    }
    if let Some(since) = filter.since {
        query = query.filter(e::at.ge(within_calendar(since)));
    }
    if let Some(until) = filter.until {
        query = query.filter(e::at.lt(within_calendar(until)));
    }
    if let Some(after) = after {
        let at = within_calendar(after.at);
        // The first condition is what an index can start from.
        query = query
            .filter(e::at.le(at))
            .filter(e::at.lt(at).or(e::id.lt(after.id)));
    }
    let rows: Vec<Row> = query
        .order((e::at.desc(), e::id.desc()))
        .limit(i64::from(limit))
        .select((
            e::id,
            e::at,
            e::action,
            e::actor_id,
            users::username.nullable(),
            e::actor_label,
            e::subject_id,
            e::subject_username,
            e::token_id,
            e::address,
            e::request_id,
            e::detail,
        ))
        .load(connection)?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
}

/// The calendar of Postgres begins later than Chrono's, and nothing was written down before 1970.
fn within_calendar(time: DateTime<Utc>) -> DateTime<Utc> {
    time.max(DateTime::UNIX_EPOCH)
}

impl From<Row> for AuditEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            action: row.action,
            actor_id: row.actor_id.map(UserId),
            actor_username: row.actor_username,
            actor_label: row.actor_label,
            subject_id: row.subject_id.map(UserId),
            subject_username: row.subject_username,
            token_id: row.token_id.map(TokenId),
            address: row.address.map(|net| net.addr()),
            request_id: row.request_id,
            detail: row.detail.0.unwrap_or_else(|text| {
                tracing::warn!(column = "audit_events.detail", id = %row.id, "an event's detail is told as text");
                json!({ "text": text })
            }),
        }
    }
}

/// Finds the user of this name, written just so, who was deleted last.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_deleted(connection: &mut PgConnection, username: &str) -> DatabaseResult<Option<UserId>> {
    let id: Option<Option<Uuid>> = audit_events::table
        .filter(audit_events::action.eq(AuditAction::UserDeleted.as_str()))
        .filter(audit_events::subject_username.eq(username))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .select(audit_events::subject_id)
        .first(connection)
        .optional()?;
    Ok(id.flatten().map(UserId))
}

/// Deletes the oldest events of those that are older than this, `most` of them; says how many.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError); refused for less than [`SHORTEST_RETENTION_DAYS`].
pub fn cleanup(connection: &mut PgConnection, older_than: Duration, most: i32) -> DatabaseResult<usize> {
    #[derive(QueryableByName)]
    struct Deleted {
        #[diesel(sql_type = BigInt)]
        deleted: i64,
    }
    let row: Deleted = diesel::sql_query(format!(
        "SELECT jeton_delete_audit_events({CLEANUP_CLOCK} - make_interval(secs => $1), $2) AS deleted",
    ))
    .bind::<Double, _>(older_than.as_secs_f64())
    .bind::<Integer, _>(most)
    .get_result(connection)?;
    Ok(usize::try_from(row.deleted).unwrap_or_default())
}
