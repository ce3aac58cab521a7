//! What others are doing now, on this database or the whole server.

use super::{Context, Finding, each};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::declared::declared;
use jeton_domain::printable::{cut, escape};

/// A session, as it is told: `a` is its row of `pg_stat_activity`.
const SESSION: &str = "'process ' || a.pid || ' (' || coalesce(nullif(left(a.application_name, 64), ''), 'unnamed') \
    || ', as ' || coalesce(a.usename::text, 'nobody') || coalesce(', in ' || a.datname, '') || ')'";

pub(super) fn transactions(connection: &mut PgConnection, context: &Context) -> DatabaseResult<Vec<Finding>> {
    let age = format!("interval '{} milliseconds'", context.transaction_age.as_millis());
    let mut findings = each(
        connection,
        &format!(
            "SELECT {SESSION} || ' has had a transaction open since ' || date_trunc('second', a.xact_start) \
                || CASE WHEN a.state LIKE 'idle in transaction%' THEN ', and does nothing in it' ELSE '' END AS line \
            FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND coalesce(a.backend_type, 'client backend') = 'client backend' \
                AND a.xact_start < clock_timestamp() - {age} \
                AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL OR a.state LIKE 'idle in transaction%') \
            ORDER BY a.xact_start LIMIT 100"
        ),
        |line| {
            Finding::warning(
                format!(
                    "{}: the cleanup passes by what it may still see, and its locks are held",
                    escape(&line)
                ),
                "end it, with `SELECT pg_terminate_backend(PID)` where need be; \
                `idle_in_transaction_session_timeout` ends such that do nothing",
            )
        },
    )?;
    findings.extend(each(
        connection,
        &format!(
            "SELECT CASE WHEN database = current_database() THEN 'here ' ELSE 'elsewhere ' END \
                || quote_literal(left(gid, 64)) || ', of ' || owner || ' in ' || database || ', since ' \
                || date_trunc('second', prepared) AS line \
            FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - {age} ORDER BY prepared LIMIT 100"
        ),
        |line| {
            let (place, which) = line.split_once(' ').unwrap_or(("", &line));
            let found = format!("a transaction was prepared and never ended: {}", escape(which));
            let remedy = "`COMMIT PREPARED` or `ROLLBACK PREPARED`, in its database: it holds its locks and the cleanup for good";
            if place == "here" {
                Finding::error(found, remedy)
            } else {
                Finding::warning(found, remedy)
            }
        },
    )?);
    findings.extend(each(
        connection,
        "SELECT slot_name::text AS line FROM pg_replication_slots \
            WHERE NOT active AND (xmin IS NOT NULL OR catalog_xmin IS NOT NULL OR restart_lsn IS NOT NULL) ORDER BY 1 LIMIT 100",
        |slot| {
            Finding::warning(
                format!("nobody reads the replication slot {}, which keeps what was written and holds the cleanup", cut(&slot)),
                "start what reads it, or `SELECT pg_drop_replication_slot(…)`",
            )
        },
    )?);
    findings.extend(unseen_sessions(connection)?);
    Ok(findings)
}

/// A commit that waits for a standby has no time limit.
pub(super) fn commits(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    const REMEDY: &str = "bring the standby back, or take it out of synchronous_standby_names and reload";
    let mut findings = each(
        connection,
        "SELECT count(*)::text AS line FROM pg_stat_activity WHERE wait_event = 'SyncRep' \
            AND query_start < clock_timestamp() - interval '1 second' HAVING count(*) > 0",
        |count| {
            Finding::error(
                format!(
                    "{count} commits wait for a synchronous standby that does not answer: what writes is answered 503"
                ),
                REMEDY,
            )
        },
    )?;
    if findings.is_empty() {
        // Whoever may not see a standby's state is told of none.
        findings = each(
            connection,
            "SELECT left(setting, 200) AS line FROM pg_settings \
                WHERE name = 'synchronous_standby_names' AND setting <> '' AND NOT EXISTS ( \
                    SELECT FROM pg_stat_replication WHERE coalesce(sync_state, 'sync') IN ('sync', 'quorum'))",
            |names| {
                Finding::error(
                    format!(
                        "no standby of synchronous_standby_names ({}) is connected: every commit waits for one",
                        escape(&names)
                    ),
                    REMEDY,
                )
            },
        )?;
    }
    Ok(findings)
}

/// Of others' sessions Postgres tells such roles no more than that they are there.
fn unseen_sessions(connection: &mut PgConnection) -> DatabaseResult<Vec<Finding>> {
    each(
        connection,
        "SELECT count(*)::text AS line FROM pg_stat_activity a WHERE a.backend_type IS NULL \
            AND NOT pg_has_role('pg_read_all_stats', 'USAGE') HAVING count(*) > 0",
        |count| {
            Finding::unseen(
                format!("this role may not see what {count} other sessions do"),
                "`GRANT pg_monitor TO …`, or run this as a superuser",
            )
        },
    )
}

/// A logout inserts, deletes and notifies; whatever would make it wait now is told, however short its time.
pub(super) fn locks(connection: &mut PgConnection, context: &Context) -> DatabaseResult<Vec<Finding>> {
    // What programs take that work beside services: no stronger.
    let mut findings = each(
        connection,
        &format!(
            "SELECT {SESSION} || ' holds ' || string_agg(DISTINCT c.relname || ' ' || l.mode, ', ') \
                || ' since ' || coalesce(date_trunc('second', a.xact_start)::text, 'an unknown time') AS line \
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid \
            WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND coalesce(a.backend_type, 'client backend') = 'client backend' \
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') \
                AND c.oid IN (SELECT to_regclass(name) FROM unnest(ARRAY['{}']) AS name) \
            GROUP BY a.pid, a.application_name, a.usename, a.datname, a.xact_start ORDER BY a.xact_start LIMIT 100",
            declared().tables.join("', '")
        ),
        |line| {
            Finding::error(
                format!(
                    "{}: whoever signs in or out, or administers, may wait for it",
                    escape(&line)
                ),
                "let it end, or end it with `SELECT pg_terminate_backend(PID)`",
            )
        },
    )?;
    let age = format!("interval '{} milliseconds'", context.transaction_age.as_millis());
    findings.extend(each(
        connection,
        &format!(
            "SELECT {SESSION} || ' keeps ' || count(DISTINCT w.pid) || ' others waiting' AS line \
            FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b (pid) \
                JOIN pg_stat_activity a ON a.pid = b.pid \
            WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' \
                AND coalesce(w.query_start < clock_timestamp() - {age}, true) \
                AND cardinality(pg_blocking_pids(a.pid)) = 0 \
            GROUP BY a.pid, a.application_name, a.usename, a.datname ORDER BY count(DISTINCT w.pid) DESC LIMIT 100"
        ),
        |line| {
            Finding::error(
                escape(&line),
                "let it end, or end it with `SELECT pg_terminate_backend(PID)`",
            )
        },
    )?);
    Ok(findings)
}
