//! The driver.

use crate::findings::{self, Findings};
use crate::services::Service;
use crate::settings::Settings;
use crate::world::{Phase, World};
use crate::{person, report, restart, say, strangers, tables};
use anyhow::{Context, bail};
use jeton_local_postgres::LocalPostgres;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinSet, LocalSet, spawn_blocking};
use tokio::time::{sleep_until, timeout};

/// How many have no account.
const STRANGERS: u64 = 2;
/// How many only look.
const ONLOOKERS: u64 = 2;
/// How often what services have of the machine and of Postgres is looked at.
const SAMPLE: Duration = Duration::from_secs(2);
/// Longer than anything takes that comes to an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs all of it; the exit status says whether all was right.
pub(crate) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = LocalSet::new().block_on(&runtime, async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            result = drive(settings) => result,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("told to end"),
        }
    });
    // What is left over waits for services that have gone.
    runtime.shutdown_background();
    result
}

async fn drive(settings: Settings) -> anyhow::Result<ExitCode> {
    say(&format!(
        "seed {}: 2 auth services, 2 resource services, {} people, {ONLOOKERS} onlookers, {STRANGERS} strangers, bcrypt cost {}, for {:?}",
        settings.seed, settings.people, settings.bcrypt_cost, settings.minutes
    ));
    let world = Rc::new(World::start(settings).await.context("cannot start")?);
    let processes = world.services.iter();
    let processes: Vec<_> = processes
        .map(|service| {
            let process = &service.process;
            format!("{} {} {}", service.name, process.id(), process.address())
        })
        .collect();
    say(&format!("processes: {}", processes.join(", ")));
    let mut tasks = JoinSet::new();
    let seed = world.settings.seed;
    for number in 0..u64::from(world.settings.people) {
        tasks.spawn_local(person::live(world.clone(), seed.wrapping_add(number)));
    }
    for number in 0..ONLOOKERS {
        let seed = seed.wrapping_add(500 + number);
        tasks.spawn_local(person::look_on(world.clone(), seed));
    }
    for number in 0..STRANGERS {
        let seed = seed.wrapping_add(1000 + number);
        tasks.spawn_local(strangers::pass_by(world.clone(), seed));
    }
    let mut findings = Findings::default();
    if let Err(error) = work(&world, &mut findings).await {
        // From here on, it is about the services.
        world.book.wrong(&format!("given up: {error:#}"));
    }
    tasks.shutdown().await;
    if let Some(directory) = &world.settings.logs {
        write_logs(&world, directory)?;
    }
    findings::look_at_logs(&world);
    report::tell(&world, &findings);
    if world.book.wrongs() > 0 || !findings.leaks.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if let Err(error) = end(world).await {
        say(&format!("WRONG the end: {error:#}"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn work(world: &World, findings: &mut Findings) -> anyhow::Result<()> {
    let [in_order, dead] = world.settings.outages();
    work_until(world, world.settings.warm_up(), findings).await?;
    rest(world).await?;
    findings.before = findings::steady(world).await?;
    findings.rows_before = tables::rows(&world.postgres).await?;
    say("warmed up");
    world.phase.send_replace(Phase::Work);

    work_until(world, in_order, findings).await?;
    restart::outage(world, "restarted", LocalPostgres::stop, false).await?;
    work_until(world, dead, findings).await?;
    restart::outage(world, "stopped dead", LocalPostgres::crash, true).await?;
    work_until(world, world.settings.minutes, findings).await?;

    world.phase.send_replace(Phase::Leave);
    let left = timeout(PATIENCE, world.until_nobody_is_busy()).await;
    left.context("people are waiting for answers, a minute after all should have left")?;
    findings.requests_in = world.began.elapsed();
    close_connections(world)?;
    findings::settle(world, findings).await
}

/// Goes on for so long since the beginning, and looks at what services have meanwhile.
async fn work_until(world: &World, until: Duration, findings: &mut Findings) -> anyhow::Result<()> {
    let end = world.began + until;
    while Instant::now() < end {
        findings.sample(world).await?;
        sleep_until(end.min(Instant::now() + SAMPLE).into()).await;
    }
    Ok(())
}

/// People finish what they have begun, and begin nothing.
async fn rest(world: &World) -> anyhow::Result<()> {
    world.phase.send_replace(Phase::Rest);
    let resting = timeout(PATIENCE, world.until_nobody_is_busy()).await;
    resting.context("people are waiting for answers, a minute after all should rest")?;
    close_connections(world)
}

fn close_connections(world: &World) -> anyhow::Result<()> {
    world.services.iter().try_for_each(Service::close_connections)
}

fn write_logs(world: &World, directory: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    for service in &world.services {
        let path = directory.join(format!("{}.log", service.name));
        std::fs::write(path, service.process.logs())?;
    }
    Ok(())
}

/// Ends the services in order: no lease is left for anybody to wait for.
async fn end(world: Rc<World>) -> anyhow::Result<()> {
    let world = Rc::into_inner(world).context("somebody is still at it")?;
    let processes: Vec<_> = world
        .services
        .into_iter()
        .map(|service| service.process)
        .collect();
    let ended = spawn_blocking(move || {
        let ended = processes.into_iter().map(|process| process.terminate().success());
        ended.collect::<Vec<_>>()
    });
    anyhow::ensure!(
        ended.await?.into_iter().all(|success| success),
        "a service did not end in order"
    );
    let rows = tables::rows(&world.postgres).await?;
    anyhow::ensure!(
        rows.get("verifiers") == Some(&0),
        "a lease is left behind: {rows:?}"
    );
    Ok(())
}
