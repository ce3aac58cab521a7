//! Postgres goes away, and comes back.

use crate::outages::Outage;
use crate::world::World;
use crate::{say, strangers, usage};
use anyhow::Context;
use futures_util::future::join_all;
use jeton_local_postgres::{Error, LocalPostgres};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// How often it is looked whether something has come about.
const LOOK: Duration = Duration::from_millis(50);
/// Longer than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stops Postgres, and starts it again once every service has had to say so: at once, or when its lease is over and it
/// can check no token.
pub(crate) async fn outage(
    world: &World,
    how: &'static str,
    stop: fn(&LocalPostgres) -> Result<(), Error>,
    beyond_leases: bool,
) -> anyhow::Result<()> {
    world.outages.begin(how);
    with_postgres(world, stop).await?;
    let noticed = async {
        while beyond_leases && !leases_are_over(world)? {
            sleep(LOOK).await;
        }
        let before = away(world);
        while away(world).iter().zip(&before).any(|(now, before)| now <= before) {
            sleep(LOOK).await;
        }
        anyhow::Ok(())
    };
    let noticed = timeout(PATIENCE, noticed).await;
    with_postgres(world, LocalPostgres::start).await?;
    world.outages.postgres_is_back();
    noticed.context("a service has not answered 503 in a minute without Postgres")??;
    let back = Instant::now();
    let ready = join_all(world.services.iter().map(|service| async move {
        while !strangers::ready(world, service).await.unwrap_or(false) {
            sleep(LOOK).await;
        }
        (service.name.clone(), back.elapsed())
    }));
    let ready = timeout(PATIENCE, ready).await;
    world
        .outages
        .end(ready.context("not all services are ready, a minute after Postgres is back")?);
    if let Some(outage) = world.outages.all().last() {
        say(&told(world, outage));
    }
    Ok(())
}

pub(crate) fn told(world: &World, outage: &Outage) -> String {
    let after = outage.began.duration_since(world.began).as_secs_f64();
    let away = outage.back.map(|back| back.duration_since(outage.began));
    let ready: Vec<_> = outage
        .ready
        .iter()
        .map(|(name, time)| format!("{name} {time:.0?}"))
        .collect();
    format!(
        "Postgres {} after {after:.1} s: away for {:.1?}, and then until ready: {}",
        outage.how,
        away.unwrap_or_default(),
        ready.join(", ")
    )
}

fn leases_are_over(world: &World) -> anyhow::Result<bool> {
    for service in &world.services {
        if !usage::lease_is_over(service)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn away(world: &World) -> Vec<u64> {
    let services = world.services.iter();
    services.map(|service| world.book.away(&service.name)).collect()
}

async fn with_postgres(
    world: &World,
    act: impl FnOnce(&LocalPostgres) -> Result<(), Error> + Send + 'static,
) -> anyhow::Result<()> {
    let postgres = world.postgres.clone();
    Ok(spawn_blocking(move || act(&postgres)).await??)
}
