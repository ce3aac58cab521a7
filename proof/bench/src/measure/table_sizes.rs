use super::Bench;
use crate::results::RowsResult;
use crate::{BenchDatabase, Rows};
use jeton_verifier::{DatabaseUrl, Verifier, VerifierSettings};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

const IN_FLIGHT: usize = 64;

/// A verifier that remembers nothing, and the tokens of its table.
struct Forgetful {
    verifier: Verifier,
    rows: Rows,
}

/// The same look-ups in a small table and in a large one, by turns.
pub(super) fn run(
    bench: &Bench<'_>,
    few: &(BenchDatabase, Rows),
    many: &(BenchDatabase, Rows),
) -> anyhow::Result<RowsResult> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let verifiers = [few, many]
        .into_iter()
        .map(|(database, rows)| Forgetful::connect(&runtime, database.url(), *rows))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (mut alone, mut together) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=bench.plan.rounds {
        for (number, verifier) in verifiers.iter().enumerate() {
            let one = verifier.time(&runtime, 1, bench.plan.slice / 2)?;
            let batch = verifier.time(&runtime, IN_FLIGHT, bench.plan.slice / 2)?;
            // The first round warms up.
            if round > 0 {
                alone[number].push(one);
                together[number].push(batch);
            }
        }
    }
    Ok(RowsResult {
        few: few.1.count,
        many: many.1.count,
        alone,
        together,
        in_flight: IN_FLIGHT,
    })
}

impl Forgetful {
    fn connect(runtime: &Runtime, url: &str, rows: Rows) -> anyhow::Result<Self> {
        let settings = VerifierSettings {
            cache_tokens: 0,
            ..VerifierSettings::new(DatabaseUrl::parse(url)?)
        };
        let verifier = runtime.block_on(Verifier::connect(settings))?;
        Ok(Self { verifier, rows })
    }

    /// Microseconds a look-up, with so many under way at once.
    fn time(&self, runtime: &Runtime, in_flight: usize, time: Duration) -> anyhow::Result<f64> {
        let done = Rc::new(Cell::new(0_u32));
        let start = Instant::now();
        LocalSet::new().block_on(runtime, async {
            let tasks: Vec<_> = (0..in_flight)
                .map(|_| {
                    let (verifier, rows, done) = (self.verifier.clone(), self.rows, done.clone());
                    tokio::task::spawn_local(async move {
                        while start.elapsed() < time {
                            let text = rows.series.text(rand::random_range(0..rows.count));
                            verifier.verify(&text).await?;
                            done.set(done.get() + 1);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            anyhow::Ok(())
        })?;
        Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(done.get()))
    }
}
