use super::Bench;
use super::revocations::Verifier;
use crate::results::IdleResult;
use std::time::{Duration, Instant};

/// How long after its start a service is taken to be at rest.
const BEFORE: Duration = Duration::from_secs(1);

/// A protected service that nobody asks anything.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<IdleResult> {
    let (database, _) = bench.filled(1)?;
    let verifier = Verifier::start(database.url())?;
    std::thread::sleep(BEFORE);
    let (start, before) = (Instant::now(), verifier.process.activity());
    std::thread::sleep(bench.plan.idle_time);
    let (time, after) = (start.elapsed().as_secs_f64(), verifier.process.activity());
    Ok(before
        .zip(after)
        .map_or_else(IdleResult::default, |(before, after)| IdleResult {
            wake_ups: Some((after.sleeps - before.sleeps) as f64 / time),
            core: Some((after.cpu - before.cpu).as_secs_f64() / time),
        }))
}
