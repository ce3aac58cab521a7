use super::Bench;
use crate::child::Child;
use crate::cli::Role;
use crate::jwt::JwtKeys;
use crate::memory::{Measured, Memory};
use crate::{BenchDatabase, Rows};

/// Checks in one process that knows all tokens of a table.
pub(super) fn run(bench: &Bench<'_>, (database, rows): &(BenchDatabase, Rows)) -> anyhow::Result<Measured> {
    let config = Memory {
        series: rows.series,
        tokens: rows.count,
        rounds: bench.plan.rounds,
        slice: bench.plan.slice / 8,
        jwt: JwtKeys::random()?,
    };
    Child::spawn(Role::Memory, database.url(), &config)?.receive()
}
