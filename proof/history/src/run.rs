//! The driver.

use crate::faults;
use crate::settings::Settings;
use crate::workload;
use crate::world::{Phase, World};
use anyhow::Context;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the run looks after itself.
const TICK: Duration = Duration::from_millis(100);
/// How often it says how far it is.
const TELL: Duration = Duration::from_secs(60);

/// Runs all of it; the exit status says whether every promise was kept.
pub(crate) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(drive(settings));
    // What is left over is blocked on a database that has gone.
    runtime.shutdown_background();
    result
}

async fn drive(settings: Settings) -> anyhow::Result<ExitCode> {
    say(&format!(
        "seed {}: {} verifiers, {} auth services, {} users, lease {:?}, for {} s",
        settings.seed, settings.verifiers, settings.auths, settings.users, settings.lease, settings.seconds
    ));
    let world = Arc::new(World::start(settings).await.context("cannot start")?);
    let processes: Vec<_> = world
        .processes()
        .iter()
        .map(|(name, id)| format!("{name} {id}"))
        .collect();
    // Whoever reads this may say stop at once.
    let stops = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    say(&format!("processes: {}", processes.join(", ")));
    Run::start(world).drive(stops).await
}

type Stops = [std::io::Result<Signal>; 2];

struct Run {
    world: Arc<World>,
    tasks: JoinSet<anyhow::Result<()>>,
    /// How many lanes have had each fault once.
    rounds: watch::Sender<usize>,
    /// How many violations have been told.
    told: usize,
}

impl Run {
    fn start(world: Arc<World>) -> Self {
        let (mut tasks, rounds) = (JoinSet::new(), watch::Sender::new(0));
        let seed = world.settings.seed;
        for lane in 0..faults::lanes(&world.settings) {
            let seed = seed.wrapping_add(lane as u64);
            tasks.spawn(faults::lane(world.clone(), lane, seed, rounds.clone()));
        }
        for user in 0..world.settings.users {
            let world = world.clone();
            let seed = seed.wrapping_add(1000).wrapping_add(u64::from(user));
            tasks.spawn(async move {
                workload::act(&world, seed).await;
                Ok(())
            });
        }
        for app in 0..world.settings.apps {
            let world = world.clone();
            let seed = seed.wrapping_add(2000).wrapping_add(u64::from(app));
            tasks.spawn(async move {
                workload::act_as_app(&world, seed).await;
                Ok(())
            });
        }
        Self {
            world,
            tasks,
            rounds,
            told: 0,
        }
    }

    async fn drive(mut self, stops: Stops) -> anyhow::Result<ExitCode> {
        let worked = self.work(stops).await;
        self.world.phase.send_replace(Phase::Finishing);
        let finished = self.finish().await;
        self.world.phase.send_replace(Phase::GivingUp);
        let gave_up = self.finish().await;
        // What was acknowledged last shall be checked for a while, too.
        tokio::time::sleep(self.world.settings.lease).await;
        let ended = self.world.end().await;
        self.tell_violations();
        say(&format!("\n{}", self.world.records.stats()));
        worked.and(finished).and(gave_up).and(ended)?;
        Ok(self.verdict())
    }

    /// Until the time is over and each fault has happened, or somebody says stop, or a task fails.
    async fn work(&mut self, [interrupt, terminate]: Stops) -> anyhow::Result<()> {
        let (mut interrupt, mut terminate) = (interrupt?, terminate?);
        let mut tick = tokio::time::interval(TICK);
        let (began, mut next_tell) = (Instant::now(), TELL);
        let time = Duration::from_secs(self.world.settings.seconds);
        while began.elapsed() < time || *self.rounds.borrow() < faults::lanes(&self.world.settings) {
            tokio::select! {
                _ = tick.tick() => {
                    self.world.retire();
                    self.tell_violations();
                }
                Some(ended) = self.tasks.join_next() => ended??,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            }
            if began.elapsed() >= next_tell {
                next_tell += TELL;
                let stats = self.world.records.stats();
                let secs = began.elapsed().as_secs();
                say(&format!(
                    "after {secs} s: {}, {} violations",
                    stats.brief(),
                    self.told
                ));
            }
        }
        Ok(())
    }

    /// Waits for what has begun, but not for ever.
    async fn finish(&mut self) -> anyhow::Result<()> {
        let patience = self.world.settings.bound() * 3;
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended??;
            }
            Ok(())
        };
        tokio::time::timeout(patience, all).await.unwrap_or(Ok(()))
    }

    fn tell_violations(&mut self) {
        let ledger = self.world.records.ledger();
        for violation in ledger.violations().iter().skip(self.told) {
            say(violation);
        }
        self.told = ledger.violations().len();
    }

    fn verdict(&self) -> ExitCode {
        let ledger = self.world.records.ledger();
        let count = ledger.violations().len();
        if count == 0 {
            say("violations: none");
            return ExitCode::SUCCESS;
        }
        let repeated = ledger.repeated();
        say(&format!("violations: {count} (and {repeated} more of the same)"));
        ExitCode::FAILURE
    }
}

fn say(line: &(impl Display + ?Sized)) {
    // Whoever has stopped reading still gets the exit status.
    let _ = writeln!(std::io::stdout(), "{line}");
}
