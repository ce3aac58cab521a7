//! What is in Postgres, and who is connected to it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::try_connect;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The most connections that OPERATING.md says an instance of the auth API has: two of its verifier and one more for a moment
/// after a lease has begun, fourteen of the pool, one that waits for revocations. The resource API revokes nothing, and keeps
/// one connection for `readyz`.
pub(crate) const CONNECTIONS: [(&str, i64); 2] = [("soak_auth", 2 * 18), ("soak_notes", 2 * 14)];

/// All that the migrations make.
const TABLES: [&str; 16] = [
    "users",
    "tokens",
    "demo.notes",
    "token_uses",
    "revocations",
    "verifiers",
    "account_attempts",
    "network_attempts",
    "audit_events",
    "cleanup_clock",
    "clients",
    "delegable_scopes",
    "grants",
    "authorizations",
    "authorization_codes",
    "refresh_tokens",
];

/// Counts by what they are of.
pub(crate) type Counts = BTreeMap<String, i64>;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many rows each table has.
pub(crate) async fn rows(postgres: &Arc<LocalPostgres>) -> anyhow::Result<Counts> {
    let counts = TABLES.map(|table| format!("SELECT '{table}' AS name, count(*) AS count FROM {table}"));
    counts_of(postgres, counts.join(" UNION ALL ")).await
}

/// How many sessions each of the services' roles has.
pub(crate) async fn sessions(postgres: &Arc<LocalPostgres>) -> anyhow::Result<Counts> {
    let sessions = "SELECT usename::text AS name, count(*) AS count FROM pg_stat_activity \
        WHERE usename LIKE 'soak%' GROUP BY usename";
    counts_of(postgres, sessions.to_owned()).await
}

async fn counts_of(postgres: &Arc<LocalPostgres>, sql: String) -> anyhow::Result<Counts> {
    let url = postgres.url();
    spawn_blocking(move || {
        let mut connection = try_connect(&url)?;
        let counts: Vec<Count> = diesel::sql_query(sql).load(&mut connection)?;
        Ok(counts.into_iter().map(|row| (row.name, row.count)).collect())
    })
    .await?
}

/// What is still there when everybody has left, and should not be. `strange_names`: of how many names that nobody has
/// attempts may still count. What is deleted once a minute alone is looked at only if `after_purge`.
pub(crate) fn left_behind(rows: &Counts, strange_names: i64, after_purge: bool) -> Vec<String> {
    // The administrator and the administrator's token stay.
    let mut most = vec![
        ("users", 1),
        ("tokens", 1),
        ("demo.notes", 0),
        ("verifiers", 4),
        ("account_attempts", 2 + strange_names),
        ("network_attempts", 1),
    ];
    if after_purge {
        most.extend([("revocations", 0), ("token_uses", 1)]);
    }
    let there = |table: &str| rows.get(table).copied().unwrap_or_default();
    let left = most.into_iter().filter(|(table, most)| there(table) > *most);
    left.map(|(table, most)| format!("{table}: {} rows, and {most} are explained", there(table)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_left_are_told() {
        let rows = |rows: &[(&str, i64)]| rows.iter().map(|&(table, n)| (table.to_owned(), n)).collect();
        let right: Counts = rows(&[("users", 1), ("tokens", 1), ("verifiers", 4), ("revocations", 9)]);
        assert_eq!(left_behind(&right, 0, false), Vec::<String>::new());
        assert_eq!(left_behind(&right, 0, true).len(), 1, "the log of revocations");
        let wrong: Counts = rows(&[("demo.notes", 1), ("verifiers", 5), ("account_attempts", 4)]);
        assert_eq!(left_behind(&wrong, 1, false).len(), 3);
        assert_eq!(left_behind(&wrong, 2, false).len(), 2);
    }
}
