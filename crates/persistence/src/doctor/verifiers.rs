//! Who keeps revocations waiting.

use super::{Context, Finding, each, read_only, shown};
use crate::DatabaseResult;
use crate::PgConnection;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// More of one role than this are not processes.
const MOST_OF_A_ROLE: i64 = 200;

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
    let mut findings = read_only(connection, |connection| {
        each(
            connection,
            &format!(
                "SELECT role || ' has registered ' || CASE WHEN rows > 100000 THEN 'more than 100000' ELSE rows::text END \
                    || ' verifiers' AS line \
                FROM (SELECT left(owner, 64) AS role, count(*) AS rows FROM \
                    (SELECT owner FROM verifiers LIMIT 100001) AS part GROUP BY 1) AS roles \
                WHERE rows > {MOST_OF_A_ROLE} ORDER BY rows DESC LIMIT 100"
            ),
            |line| {
                Finding::error(
                    format!(
                        "the role {}: each logout waits for all that are not renewed",
                        shown(&line)
                    ),
                    "see what runs as this role, take its right to sign in if it was taken over, and let a logout remove the dead",
                )
            },
        )
    })?;
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
    findings.extend(silent.iter().map(|row| {
        Finding::error(
            format!(
                "the verifier \"{}\" of the role {}, registered {}, has not renewed its lease of {} ms: logouts wait for it",
                shown(&row.name),
                shown(&row.role),
                row.registered_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                row.lease_ms
            ),
            "start the service again, or let the next logout remove it, once, after its lease; look for locks if it stays",
        )
    }));
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
