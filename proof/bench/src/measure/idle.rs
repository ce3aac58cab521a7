use super::Bench;
use super::revocations::Verifier;
use crate::results::IdleResult;
use jeton_proof_support::Activity;
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
    let Some((before, after)) = before.zip(after) else {
        return Ok(IdleResult::default());
    };
    let wake_ups = (after.sleeps - before.sleeps) as f64 / time;
    Ok(IdleResult {
        wake_ups: Some(wake_ups),
        core: Some((after.cpu - before.cpu).as_secs_f64() / time),
        sleeper: sleeper(wake_ups, bench.plan.idle_time),
    })
}

/// The part of a core that a thread takes which wakes up as often and does nothing: less is not to be had here.
fn sleeper(wake_ups: f64, time: Duration) -> Option<f64> {
    let pause = Duration::try_from_secs_f64(1.0 / wake_ups).ok()?;
    let thread = std::thread::spawn(move || {
        let (start, before) = (Instant::now(), Activity::of_thread("thread-self")?);
        while start.elapsed() < time {
            std::thread::sleep(pause);
        }
        let (time, after) = (start.elapsed(), Activity::of_thread("thread-self")?);
        Some((after.cpu - before.cpu).as_secs_f64() / time.as_secs_f64())
    });
    thread.join().ok()?
}
