//! The measurements, one after the other.

mod contenders;
mod flood;
mod idle;
mod in_process;
mod logins;
mod refreshes;
mod revocations;
mod table_sizes;

use crate::cli::Part;
use crate::plan::Plan;
use crate::redis_server::RedisServer;
use crate::report::{delegation, sections};
use crate::results::Results;
use crate::{BenchDatabase, Rows, TokenSeries, say};

/// What the measurements share.
pub(crate) struct Bench<'a> {
    pub(crate) plan: &'a Plan,
    /// Where databases are made.
    pub(crate) server: &'a str,
    pub(crate) cores: usize,
}

impl Bench<'_> {
    /// Workers of each service, and threads of the load: half of the cores each, so that neither keeps the other from
    /// running.
    pub(crate) fn workers(&self) -> usize {
        (self.cores / 2).max(1)
    }

    fn filled(&self, count: usize) -> anyhow::Result<(BenchDatabase, Rows)> {
        let database = BenchDatabase::create(self.server)?;
        let series = TokenSeries::random();
        let rows = Rows { series, count };
        database.fill(rows)?;
        Ok((database, rows))
    }
}

/// One measurement alone, as its section of the report.
pub(crate) fn only(bench: &Bench<'_>, part: Part) -> anyhow::Result<String> {
    Ok(match part {
        Part::Logins => sections::logins(&logins::run(bench)?),
        Part::Flood => sections::flood(&flood::run(bench)?),
        Part::Revocations => sections::acknowledged(&revocations::run(bench)?),
        Part::Refreshes => delegation::section(&refreshes::run(bench)?),
    })
}

pub(crate) fn all(bench: &Bench<'_>) -> anyhow::Result<Results> {
    let plan = bench.plan;
    say(&format!(
        "filling tables of {} and {} tokens",
        plan.few_rows, plan.rows
    ));
    let few = bench.filled(plan.few_rows)?;
    let many = bench.filled(plan.rows)?;

    say("checks in process");
    let memory = vec![in_process::run(bench, &few)?, in_process::run(bench, &many)?];

    let redis = RedisServer::start()?;
    if redis.is_none() {
        say("redis-server is not installed: no sessions in Redis");
    }
    say("contenders over HTTP");
    let http = contenders::run(bench, &many, redis.as_ref())?;
    let redis = redis.map(|redis| redis.version.clone());

    say("sign-ins, and checks meanwhile");
    let logins = logins::run(bench)?;
    say("a verifier that has nothing to do");
    let idle = idle::run(bench)?;
    say("revocations");
    let revocations = revocations::run(bench)?;
    say("refreshes");
    let refreshes = refreshes::run(bench)?;
    say("logouts during a flood");
    let flood = flood::run(bench)?;
    let rows = match plan.large_rows {
        None => table_sizes::run(bench, &few, &many)?,
        Some(count) => {
            drop(many);
            say(&format!("filling a table of {count} tokens: minutes"));
            table_sizes::run(bench, &few, &bench.filled(count)?)?
        }
    };
    Ok(Results {
        memory,
        http,
        workers: bench.workers(),
        redis,
        rows,
        logins,
        idle,
        revocations,
        refreshes,
        flood,
    })
}
