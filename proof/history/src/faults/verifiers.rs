use super::beyond_lease;
use crate::world::{Member, World};
use anyhow::Context;
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Any of the verifiers.
pub(super) fn any(world: &World, rng: &mut StdRng) -> anyhow::Result<Arc<Member>> {
    let members = world.fleet.members();
    let at = rng.random_range(0..members.len().max(1));
    let member = members.get(at).cloned().context("there is no verifier")?;
    world.event(format_args!("the one is {}", member.name));
    Ok(member)
}

pub(super) async fn stop(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    let paused = member.process.pause()?;
    sleep(beyond_lease(world, rng)).await;
    drop(paused);
    Ok(true)
}

pub(super) async fn kill(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    member.process.kill();
    world.remove(&member);
    sleep(Duration::from_millis(rng.random_range(0..300))).await;
    let newcomer = world.fleet.join(world).await?;
    newcomer.ready().await?;
    Ok(true)
}

pub(super) async fn cut(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    member.proxy.cut(true);
    sleep(beyond_lease(world, rng)).await;
    member.proxy.cut(false);
    Ok(true)
}

pub(super) async fn reset(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    for _ in 0..rng.random_range(1..4) {
        member.proxy.reset();
        sleep(Duration::from_millis(rng.random_range(10..200))).await;
    }
    Ok(true)
}

pub(super) async fn slow(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    let delay = world.settings.lease.mul_f64(rng.random_range(0.05..1.2));
    member.proxy.delay(delay);
    sleep(delay + world.settings.lease / 2).await;
    member.proxy.delay(Duration::ZERO);
    Ok(true)
}
