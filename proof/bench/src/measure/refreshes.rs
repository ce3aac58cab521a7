use super::Bench;
use crate::BenchDatabase;
use crate::child::Child;
use crate::cli::Role;
use crate::load::{Fillings, Load, Outcome};
use crate::results::{PurgeResult, RefreshKind, RefreshResults};
use crate::role::AuthApi;
use anyhow::ensure;
use diesel::sql_types::Double;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use jeton_persistence::PgConnection;
use jeton_persistence::cleanup::{Cleanup, Kind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How many requests are under way at once.
const CONNECTIONS: usize = 32;
/// How long an access token lives unless somebody says otherwise.
const ACCESS_TTL: Duration = Duration::from_secs(3600);
/// What grants take room in.
const TABLES: [&str; 3] = ["grants", "refresh_tokens", "tokens"];

/// Refreshes by grants that are all different, of both kinds of client by turns; then the purge of what has expired.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<RefreshResults> {
    let plan = bench.plan;
    let database = BenchDatabase::create(bench.server)?;
    let refreshes = database.fill_grants(plan.grants)?;
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &AuthApi { bcrypt_cost: 4 })?;
    let stage = Stage {
        bench,
        database: &database,
        auth: auth.receive()?,
    };
    let mut kinds = [RefreshKind::of("public"), RefreshKind::of("confidential")];
    for round in 0..plan.refresh_rounds {
        for (kind, requests) in kinds.iter_mut().zip([&refreshes.public, &refreshes.confidential]) {
            let part = requests.len() / plan.refresh_rounds;
            stage.round(kind, &requests[round * part..(round + 1) * part])?;
        }
    }
    // It purges as well.
    drop(auth);
    let connection = &mut database.connect()?;
    let issued = number(connection, "SELECT count(*) FROM tokens")?;
    let sizes = TABLES.map(|table| (table, size_of_row(connection, table)));
    Ok(RefreshResults {
        grants: plan.grants,
        in_flight: CONNECTIONS,
        issued: issued as usize,
        sizes: sizes
            .into_iter()
            .map(|(table, size)| Ok((table, size?)))
            .collect::<anyhow::Result<_>>()?,
        kinds,
        purge: purge(&database, plan.grants)?,
    })
}

struct Stage<'a> {
    bench: &'a Bench<'a>,
    database: &'a BenchDatabase,
    auth: SocketAddr,
}

impl Stage<'_> {
    fn round(&self, kind: &mut RefreshKind, requests: &[String]) -> anyhow::Result<()> {
        let plan = self.bench.plan;
        let load = Load {
            address: self.auth,
            around: (String::new(), String::new()),
            fillings: Fillings::Texts(requests.to_vec()),
            once: true,
            connections: CONNECTIONS,
            threads: 1,
            warm_up: plan.warm_up,
            time: plan.slice,
            pace: None,
        };
        let connection = &mut self.database.connect()?;
        let before = Counts::read(connection)?;
        let outcome: Outcome = Child::spawn(Role::Load, self.database.url(), &load)?.receive()?;
        let after = Counts::read(connection)?;
        ensure!(outcome.refused == 0, "{} refreshes were refused", outcome.refused);
        let each = |of: fn(&Counts) -> f64| (of(&after) - of(&before)) / outcome.sent as f64;
        kind.rate.push(outcome.rate);
        kind.latencies.push(outcome.latency);
        kind.wal_bytes.push(each(|counts| counts.wal));
        kind.rows.push(each(|counts| counts.tokens + counts.replaced));
        kind.logged.push(each(|counts| counts.logged));
        Ok(())
    }
}

/// What the database has come to.
struct Counts {
    /// How many bytes of the write-ahead log.
    wal: f64,
    tokens: f64,
    /// How many refresh tokens were replaced.
    replaced: f64,
    logged: f64,
}

impl Counts {
    fn read(connection: &mut PgConnection) -> anyhow::Result<Self> {
        Ok(Self {
            wal: number(
                connection,
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')",
            )?,
            tokens: number(connection, "SELECT count(*) FROM tokens")?,
            replaced: number(
                connection,
                "SELECT sum(cardinality(rotations)) FROM refresh_tokens",
            )?,
            logged: number(connection, "SELECT count(*) FROM revocations")?,
        })
    }
}

/// Deletes tokens that have expired for as long as they lived, one for each grant, as the auth service does.
fn purge(database: &BenchDatabase, count: usize) -> anyhow::Result<PurgeResult> {
    let connection = &mut database.connect()?;
    database.fill_expired(count)?;
    let (before, start) = (Counts::read(connection)?, Instant::now());
    let mut cleanup = Cleanup::new(None).delegated_ttl(ACCESS_TTL);
    let mut rows = 0;
    while let Some(cleaned) = cleanup.step(connection, Kind::DelegatedTokens)? {
        rows += cleaned.rows;
        if !cleaned.more {
            break;
        }
    }
    let (took, after) = (start.elapsed(), Counts::read(connection)?);
    ensure!(rows == count, "{rows} of {count} expired tokens were deleted");
    Ok(PurgeResult {
        rows,
        rate: rows as f64 / took.as_secs_f64(),
        wal_bytes: (after.wal - before.wal) / rows as f64,
        logged: after.logged - before.logged,
    })
}

/// How many bytes a row of the table takes, its indexes included.
fn size_of_row(connection: &mut PgConnection, table: &str) -> anyhow::Result<f64> {
    let query = format!("SELECT pg_total_relation_size('{table}') / (SELECT count(*) FROM {table})::float8");
    number(connection, &query)
}

fn number(connection: &mut PgConnection, query: &str) -> anyhow::Result<f64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Double)]
        value: f64,
    }
    let row: Row =
        sql_query(format!("SELECT coalesce(({query}), 0)::float8 AS value")).get_result(connection)?;
    Ok(row.value)
}
