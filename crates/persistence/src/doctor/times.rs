//! Rows whose times are not of this time, by the clock of the database, which may have been wrong.

use super::{Context, Finding, each};
use crate::DatabaseResult;
use crate::PgConnection;

/// What lies in the future, and what to do about it.
const FUTURE: [(&str, &str, &str); 7] = [
    ("users", "created_at", "set it to `now()`"),
    (
        "tokens",
        "created_at",
        "set it to `now()`: a token with an idle time counts it from there",
    ),
    (
        "token_uses",
        "last_used_at",
        "set it to `now()`: an idle token is accepted for so much longer",
    ),
    ("account_attempts", "last_at", UNBLOCK_USER),
    ("network_attempts", "last_at", UNBLOCK_NETWORK),
    ("audit_events", "at", "nothing: see what the clock did"),
    ("verifiers", "created_at", "nothing: see what the clock did"),
];

const UNBLOCK_USER: &str =
    "`jeton user unblock` for the account's user; of a name that is nobody's, delete the row";
const UNBLOCK_NETWORK: &str = "`jeton network unblock` for the network, as `jeton network list` shows it";

/// A minute is for clocks that are set.
pub(super) fn future(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Vec::new();
    for (table, column, remedy) in FUTURE {
        findings.extend(in_future(connection, table, column, column, remedy)?);
    }
    for (table, remedy) in [
        ("account_attempts", UNBLOCK_USER),
        ("network_attempts", UNBLOCK_NETWORK),
    ] {
        let latest = "(SELECT max(since) FROM unnest(in_flight) AS since)";
        findings.extend(in_future(connection, table, "in_flight", latest, remedy)?);
    }
    Ok(findings)
}

fn in_future(
    connection: &mut PgConnection,
    table: &str,
    column: &str,
    time: &str,
    remedy: &str,
) -> DatabaseResult<Vec<Finding>> {
    each(
        connection,
        &format!(
            "SELECT count(*) || ' rows of {table}, up to ' || max(time) AS line FROM (SELECT {time} AS time FROM {table}) AS t \
                WHERE time > now() + interval '1 minute' HAVING count(*) > 0"
        ),
        |line| Finding::error(format!("{column} lies in the future: {line}"), remedy),
    )
}

/// The cleanup's own clock follows the server's, and catches up twice as fast as time passes. It is far behind after the
/// clock has jumped, or nothing has cleaned up for long: then what has expired stays for as long again.
pub(super) fn cleanup_clock(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    const SET: &str =
        "`UPDATE cleanup_clock SET shows = now(), checked_at = now()`, once the server's clock is right";
    each(
        connection,
        "SELECT CASE WHEN greatest(shows, checked_at) > now() \
                THEN 'is ahead of the server''s clock: it was wrong, or is: ' || greatest(shows, checked_at) \
                ELSE 'is behind, and catches up twice as fast as time passes: it is only at ' || shows END AS line \
            FROM cleanup_clock WHERE shows < now() - interval '1 day' \
                OR greatest(shows, checked_at) > now() + interval '1 minute'",
        |line| Finding::warning(format!("the time that the cleanup goes by {line}"), SET),
    )
}
