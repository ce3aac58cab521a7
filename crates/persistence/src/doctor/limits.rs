//! What runs full.

use super::{Context, Finding, each};
use crate::PgConnection;
use crate::{DatabaseResult, PoolSettings};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use jeton_domain::printable::escape;

/// What a process takes that checks tokens: docs/OPERATING.md.
const OF_A_VERIFIER: i64 = 2;
/// What an instance of the auth service takes besides and beside its pool, to wait for revocations.
const OF_A_REVOKER: i64 = 1;

/// More than this in the log of revocations, and something keeps it from being purged.
const LONG_LOG: i64 = 100_000;

pub(super) fn connections(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        open: i64,
        #[diesel(sql_type = BigInt)]
        most: i64,
    }
    let Row { open, most }: Row = diesel::sql_query(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE coalesce(backend_type, 'client backend') = 'client backend' AND datid IS NOT NULL) AS open, \
            current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
                - coalesce(current_setting('reserved_connections', true), '0')::bigint AS most",
    )
    .get_result(connection)?;
    const RAISE: &str = "raise max_connections, or run fewer processes or smaller pools";
    let mut findings = Vec::new();
    if open * 10 > most * 8 {
        findings.push(Finding::warning(
            format!("{open} of {most} connections are open"),
            RAISE,
        ));
    }
    findings.extend(needed(connection, most)?);
    findings.extend(each(
        connection,
        "SELECT format('the role %s has %s of %s connections open', r.rolname, count(*), rolconnlimit) AS line \
            FROM pg_roles r JOIN pg_stat_activity a ON a.usesysid = r.oid \
            WHERE rolconnlimit >= 0 GROUP BY r.rolname, rolconnlimit HAVING count(*) >= rolconnlimit \
        UNION ALL SELECT format('the database has %s of %s connections open', count(*), datconnlimit) \
            FROM pg_database d JOIN pg_stat_activity a ON a.datid = d.oid \
            WHERE d.datname = current_database() AND datconnlimit >= 0 \
            GROUP BY datconnlimit HAVING count(*) >= datconnlimit",
        |line| Finding::warning(escape(&line), "raise its limit: `ALTER ROLE` or `ALTER DATABASE … CONNECTION LIMIT`"),
    )?);
    Ok(findings)
}

/// What the processes that have registered may take at the most. Not the pools of other services.
fn needed(connection: &mut PgConnection, most: i64) -> DatabaseResult<Option<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        verifiers: i64,
        #[diesel(sql_type = BigInt)]
        auth: i64,
    }
    // Before the migrations, or for who may not read it: nothing to be counted.
    let readable =
        "SELECT 'yes' AS line WHERE has_column_privilege(to_regclass('verifiers'), 'owner', 'SELECT')";
    if super::lines(connection, readable)?.is_empty() {
        return Ok(None);
    }
    let Row { verifiers, auth }: Row = diesel::sql_query(
        "SELECT count(*) AS verifiers, count(*) FILTER (WHERE owner IN (SELECT r.rolname FROM pg_roles r \
            JOIN pg_auth_members ON member = r.oid WHERE roleid = to_regrole('jeton_auth')::oid)) AS auth \
        FROM (SELECT owner FROM verifiers LIMIT 100000) AS part",
    )
    .get_result(connection)?;
    let of_an_auth_service = i64::from(PoolSettings::default().most()) + OF_A_REVOKER;
    let needed = verifiers * OF_A_VERIFIER + auth * of_an_auth_service;
    Ok((needed > most).then(|| {
        Finding::warning(
            format!(
                "{verifiers} processes check tokens, {auth} of which are the auth service: together they may take {needed} \
                connections and more, and there are {most}"
            ),
            "raise max_connections, or run fewer processes",
        )
    }))
}

/// A log that grows is kept from being purged; one from the future is of another server.
pub(super) fn revocations(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    each(
        connection,
        &format!(
            "SELECT 'long' AS line FROM (SELECT count(*) AS rows FROM \
                (SELECT FROM revocations LIMIT {LONG_LOG} + 1) AS part) AS log WHERE rows > {LONG_LOG} \
            UNION ALL SELECT 'future' WHERE EXISTS \
                (SELECT FROM revocations WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))"
        ),
        |line| {
            if line == "long" {
                Finding::warning(
                    format!("the log of revocations has more than {LONG_LOG} rows"),
                    "see that an instance of the auth service runs, which purges it, and that no transaction is open for long",
                )
            } else {
                Finding::warning(
                    "the log of revocations has rows of another server, as a restored dump has",
                    "nothing: they are passed over. End all services, and `TRUNCATE revocations`, to be rid of them",
                )
            }
        },
    )
}
