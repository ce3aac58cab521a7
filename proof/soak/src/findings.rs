//! What is found besides wrong answers.

use crate::tables::{self, CONNECTIONS, Counts};
use crate::usage::Usage;
use crate::world::World;
use anyhow::Context;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How often it is looked whether something has come about.
const LOOK: Duration = Duration::from_millis(500);
/// What is deleted once a minute is gone within two, by whichever instance.
const PURGE: Duration = Duration::from_secs(130);
/// Connections are closed and threads end when nobody has used them for ten seconds.
const IDLE: Duration = Duration::from_secs(15);

/// What is told at the end.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) requests_in: Duration,
    pub(crate) before: Vec<Usage>,
    pub(crate) after: Vec<Usage>,
    pub(crate) peak: Vec<Usage>,
    pub(crate) rows_before: Counts,
    pub(crate) rows_after: Counts,
    pub(crate) most_sessions: Counts,
    /// What has grown and should not have.
    pub(crate) leaks: Vec<String>,
}

impl Findings {
    /// Looks at what services have at the moment.
    pub(crate) async fn sample(&mut self, world: &World) -> anyhow::Result<()> {
        let sample = sample(world)?;
        for (number, usage) in sample.iter().enumerate() {
            match self.peak.get_mut(number) {
                Some(peak) => *peak = peak.most(usage),
                None => self.peak.push(*usage),
            }
        }
        // Nobody answers while Postgres is away.
        for (role, count) in tables::sessions(&world.postgres).await.unwrap_or_default() {
            let most = self.most_sessions.entry(role).or_default();
            *most = count.max(*most);
        }
        Ok(())
    }
}

fn sample(world: &World) -> anyhow::Result<Vec<Usage>> {
    let services = world.services.iter();
    services
        .map(|service| Usage::of(service).with_context(|| service.name.clone()))
        .collect()
}

/// What services have once that changes no more: connections that were closed are closed at the other end, too.
pub(crate) async fn steady(world: &World) -> anyhow::Result<Vec<Usage>> {
    let mut last = sample(world)?;
    for _ in 0..20 {
        sleep(LOOK).await;
        let next = sample(world)?;
        let same = |(last, next): (&Usage, &Usage)| last.descriptors == next.descriptors;
        if last.iter().zip(&next).all(same) {
            return Ok(next);
        }
        last = next;
    }
    Ok(last)
}

/// Waits until nothing is left that should not be; what is left then is a leak.
pub(crate) async fn settle(world: &World, findings: &mut Findings) -> anyhow::Result<()> {
    let after_purge = world.settings.minutes >= PURGE;
    let end = Instant::now() + if after_purge { PURGE } else { IDLE };
    loop {
        findings.after = sample(world)?;
        findings.rows_after = tables::rows(&world.postgres).await?;
        findings.leaks = leaks(world, findings, after_purge);
        if findings.leaks.is_empty() || Instant::now() > end {
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

fn leaks(world: &World, findings: &Findings, after_purge: bool) -> Vec<String> {
    let mut leaks = Vec::new();
    let usages = findings.before.iter().zip(&findings.after);
    for (service, (before, after)) in world.services.iter().zip(usages) {
        let grown = after.leaks_since(before).into_iter();
        leaks.extend(grown.map(|leak| format!("{}: {leak}", service.name)));
        if after.errors > 0 {
            leaks.push(format!(
                "{}: {} answers of 5xx other than 503",
                service.name, after.errors
            ));
        }
    }
    for (role, most) in CONNECTIONS {
        let count = findings.most_sessions.get(role).copied().unwrap_or_default();
        if count > most {
            leaks.push(format!(
                "{role}: {count} connections to Postgres, and {most} are explained"
            ));
        }
    }
    // What belongs to people who were given up is still there.
    if world.book.wrongs() == 0 {
        leaks.extend(tables::left_behind(
            &findings.rows_after,
            world.strange_names.get(),
            after_purge,
        ));
    }
    leaks
}

/// What no client sees: a service has failed, and said so.
pub(crate) fn look_at_logs(world: &World) {
    for service in &world.services {
        let logs = service.process.logs();
        let failed = |line: &&str| line.contains(r#""level":"ERROR""#) || line.contains("panicked at");
        for line in logs.lines().filter(failed) {
            world.book.wrong(&format!("log of {}: {line}", service.name));
        }
    }
}
