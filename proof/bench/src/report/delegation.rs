//! What apps of others cost: refreshes, and what is left of them.

use super::{number, paragraph, spread, table, thousands};
use crate::results::{RefreshKind, RefreshResults};
use crate::stats::{Latency, Spread};

/// How many grants the extrapolation is for, and how often each has its token refreshed, a second.
const MANY_GRANTS: f64 = 1e6;
const HOURLY: f64 = 1.0 / 3600.0;

fn of(values: &[f64]) -> String {
    spread(Spread::of(values.iter().copied()))
}

pub(crate) fn section(results: &RefreshResults) -> String {
    let how = format!(
        "`POST /v1/token` with a refresh token, {} under way at once, each by a grant of its own of {}: a public client is given \
        another refresh token each time, a confidential one keeps its own. Rows are those of `tokens` and `refresh_tokens`; \
        bytes are those of the write-ahead log, of all that the database does meanwhile. Load, service and database share \
        the cores. Median, lowest and highest of {} rounds.",
        results.in_flight,
        thousands(results.grants as f64),
        results.kinds[0].rate.len(),
    );
    let percentile = |kind: &RefreshKind, of_one: fn(&Latency) -> f64| {
        of(&kind
            .latencies
            .iter()
            .map(|one| of_one(one) / 1e3)
            .collect::<Vec<_>>())
    };
    let row = |kind: &RefreshKind| {
        vec![
            kind.client.to_owned(),
            of(&kind.rate),
            percentile(kind, |one| one.p50),
            percentile(kind, |one| one.p99),
            of(&kind.rows),
            of(&kind.wal_bytes),
            of(&kind.logged),
        ]
    };
    let head = [
        "client",
        "refreshes/s",
        "p50, ms",
        "p99, ms",
        "rows each",
        "bytes of WAL each",
        "rows in the log of revocations each",
    ];
    let rows: Vec<_> = results.kinds.iter().map(row).collect();
    format!(
        "## Apps of others\n\n{}\n{}\n{}\n{}",
        paragraph(&how),
        table(&head, &rows),
        paragraph(&purged(results)),
        paragraph(&extrapolated(results)),
    )
}

fn purged(results: &RefreshResults) -> String {
    let purge = &results.purge;
    let sizes = results.sizes.iter();
    let sizes: Vec<_> = sizes
        .map(|(of, bytes)| format!("{} of `{of}`", thousands(*bytes)))
        .collect();
    format!(
        "The cleanup deletes tokens that have expired for as long as they lived: {} of them at {} a second, {} bytes of WAL each, \
        {} rows in the log of revocations. A row takes, indexes included and after {} were issued, in bytes: {}.",
        thousands(purge.rows as f64),
        thousands(purge.rate),
        thousands(purge.wal_bytes),
        thousands(purge.logged),
        thousands(results.issued as f64),
        sizes.join(", "),
    )
}

/// By calculation, and not measured.
fn extrapolated(results: &RefreshResults) -> String {
    let a_second = MANY_GRANTS * HOURLY;
    let median = |values: &[f64]| Spread::of(values.iter().copied()).map_or(f64::NAN, |spread| spread.median);
    let public = &results.kinds[0];
    let size = |name: &str| {
        let known = results.sizes.iter().find(|(table, _)| *table == name);
        known.map_or(f64::NAN, |(_, bytes)| *bytes)
    };
    // Each grant has one token that is valid, and one that has expired and is not purged yet.
    let bytes = size("grants") + size("refresh_tokens") + 2.0 * size("tokens");
    format!(
        "A million grants of public clients with tokens that live for an hour are by calculation, not measured: {} refreshes a \
        second, which is {} of what was measured; with the purge {} rows and {} KB of WAL a second, and {} rows in the log of \
        revocations; {} MB in tables, where each grant has one valid token and one that waits for the purge, which takes {} % of \
        its time.",
        number(a_second),
        number(a_second / median(&public.rate)),
        number(a_second * (median(&public.rows) + 1.0)),
        number(a_second * (median(&public.wal_bytes) + results.purge.wal_bytes) / 1e3),
        number(a_second * (median(&public.logged) + results.purge.logged / results.purge.rows as f64)),
        thousands(bytes * MANY_GRANTS / 1e6),
        number(100.0 * a_second / results.purge.rate),
    )
}
