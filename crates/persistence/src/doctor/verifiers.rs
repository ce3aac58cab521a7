//! Who keeps revocations waiting.

use super::{Context, Finding, read_only};
use crate::DatabaseResult;
use crate::PgConnection;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use jeton_coherence::verifiers::{MOST_LISTED, MOST_PER_ROLE};
use jeton_domain::printable::{cut, escape};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// From this many of one role on, it is told: a bit fewer than there may be.
const MANY_OF_A_ROLE: usize = MOST_PER_ROLE / 5 * 4;

/// How many are watched.
const WATCHED: i64 = 1_000;

#[derive(Debug, Clone, QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Integer)]
    lease_ms: i32,
    #[diesel(sql_type = Timestamptz)]
    registered_at: DateTime<Utc>,
}

impl Row {
    fn lease(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default())
    }
}

/// One that lives renews several times in a lease; one that does not is dead, and revocations wait for it until the first of
/// them has taken it off the list.
pub(super) fn verifiers(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let began = Instant::now();
    let mut silent = read(connection)?;
    while !silent.is_empty() {
        // As long as any may be alive that has not been heard of yet.
        let waited = began.elapsed();
        if silent.iter().all(|row| waited > row.lease()) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        let now = read(connection)?;
        // Gone or renewed: not silent.
        silent.retain(|row| {
            now.iter()
                .any(|other| other.id == row.id && other.version == row.version)
        });
    }
    Ok(silent.iter().map(|row| {
        Finding::error(
            format!(
                "the verifier \"{}\" of the role {}, registered {}, has not renewed its lease of {} ms: logouts wait for it",
                cut(&row.name),
                cut(&row.role),
                row.registered_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                row.lease_ms
            ),
            "start the service again, or let the next logout remove it, once, after its lease; look for locks if it stays",
        )
    }).collect())
}

/// Whether there are more than can be, for a role or in all.
pub(super) fn registered(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    // One more than are read, and then they are not counted.
    let roles: Vec<Row> = diesel::sql_query(format!(
        "SELECT left(owner, 64) AS role, count(*) AS rows FROM \
            (SELECT owner FROM verifiers LIMIT {MOST_LISTED} + 1) AS part GROUP BY 1 ORDER BY 2 DESC, 1"
    ))
    .load(connection)?;
    let count = |row: &Row| usize::try_from(row.rows).unwrap_or_default();
    let mut findings = Vec::new();
    if roles.iter().map(count).sum::<usize>() > MOST_LISTED {
        findings.push(Finding::error(
            format!("more than {MOST_LISTED} verifiers are registered: no logout can be confirmed"),
            "see who registers them, take those roles' right to sign in, and `DELETE FROM verifiers WHERE owner = …` once \
            their leases are over",
        ));
    }
    for row in &roles {
        let (role, rows) = (escape(&row.role), count(row));
        if rows > MOST_PER_ROLE {
            findings.push(Finding::error(
                format!(
                    "the role {role} has registered {rows} verifiers, which it can only by hand: each logout waits for all \
                    that are not renewed"
                ),
                "see who writes to the table, and let a logout remove the dead",
            ));
        } else if rows >= MANY_OF_A_ROLE {
            findings.push(Finding::warning(
                format!(
                    "the role {role} has registered {rows} verifiers, of {MOST_PER_ROLE} at the most: processes beyond those \
                    do not start, or ask the database at each check"
                ),
                "give services roles of their own: `jeton role create NAME`; or see what runs as this role, and end it",
            ));
        }
    }
    Ok(findings)
}

fn read(connection: &mut PgConnection) -> DatabaseResult<Vec<Row>> {
    read_only(connection, |connection| {
        Ok(diesel::sql_query(format!(
            "SELECT id, left(name, 100) AS name, left(owner, 100) AS role, version, lease_ms, \
                CASE WHEN isfinite(created_at) THEN created_at ELSE 'epoch' END AS registered_at \
            FROM verifiers ORDER BY id LIMIT {WATCHED}"
        ))
        .load(connection)?)
    })
}
