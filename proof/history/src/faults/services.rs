use super::beyond_lease;
use crate::ledger::Place;
use crate::workload::Person;
use crate::world::{Auth, World};
use anyhow::Context;
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long to wait until a revocation has reached the point at which its service is to be killed.
const PATIENCE: Duration = Duration::from_millis(500);

/// Somebody logs out. When the service has sent the statement, and may not have heard that it is committed, it is
/// killed; the client tries again elsewhere.
pub(super) async fn kill(world: &Arc<World>, rng: &mut StdRng) -> anyhow::Result<bool> {
    let Some(mut person) = Person::sign_up(world).await else {
        return Ok(false);
    };
    let (Some(held), auths) = (person.tokens.first().cloned(), world.auths.members()) else {
        return Ok(false);
    };
    let disturbances: Vec<_> = auths
        .iter()
        .map(|auth| world.disturb(Place::Auth(auth.name.clone())))
        .collect();
    // The token's id is a parameter of the statement, wherever the request goes.
    for auth in &auths {
        auth.proxy.hold(held.id.as_bytes());
    }
    let user = world.clone();
    let client = tokio::spawn(async move { person.log_out(&user, &held, false).await });
    let holding = auths.iter().map(|auth| auth.proxy.holds(PATIENCE));
    let holding = futures_util::future::join_all(holding).await;
    let at = holding.iter().position(|holds| *holds);
    let at = at.unwrap_or_else(|| rng.random_range(0..auths.len()));
    sleep(Duration::from_millis(rng.random_range(0..50))).await;
    if let Some(auth) = auths.get(at) {
        auth.process.kill();
        world.auths.remove(&auth.name);
    }
    for auth in &auths {
        auth.proxy.release();
    }
    world.auths.join(world).await?;
    for disturbance in &disturbances {
        world.calm(disturbance);
    }
    client.await?;
    Ok(true)
}

fn any(world: &World, rng: &mut StdRng) -> anyhow::Result<Arc<Auth>> {
    let auths = world.auths.members();
    let auth = auths.get(rng.random_range(0..auths.len().max(1)));
    auth.cloned().context("there is no auth service")
}

pub(super) async fn stop(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let auth = any(world, rng)?;
    let disturbance = world.disturb(Place::Auth(auth.name.clone()));
    let paused = auth.process.pause()?;
    sleep(beyond_lease(world, rng)).await;
    drop(paused);
    world.calm(&disturbance);
    Ok(true)
}

pub(super) async fn cut(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let auth = any(world, rng)?;
    let disturbance = world.disturb(Place::Auth(auth.name.clone()));
    auth.proxy.cut(true);
    sleep(beyond_lease(world, rng)).await;
    auth.proxy.cut(false);
    world.calm(&disturbance);
    Ok(true)
}
