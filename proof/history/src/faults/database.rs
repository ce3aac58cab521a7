use super::beyond_lease;
use crate::ledger::Place;
use crate::world::World;
use diesel::connection::SimpleConnection;
use jeton_local_postgres::{Error, LocalPostgres};
use jeton_proof_support::try_connect;
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

pub(super) async fn restart(world: &World, rng: &mut StdRng, crash: bool) -> anyhow::Result<bool> {
    let down = Duration::from_millis(rng.random_range(0..700));
    let Some(postgres) = world.server.own() else {
        return Ok(false);
    };
    let disturbance = world.disturb(Place::Database);
    let end = if crash {
        LocalPostgres::crash
    } else {
        LocalPostgres::stop
    };
    with(&postgres, end).await?;
    sleep(down).await;
    with(&postgres, LocalPostgres::start).await?;
    world.calm(&disturbance);
    Ok(true)
}

pub(super) async fn stop(world: &World, rng: &mut StdRng) -> anyhow::Result<bool> {
    let Some(postgres) = world.server.own() else {
        return Ok(false);
    };
    let disturbance = world.disturb(Place::Database);
    with(&postgres, LocalPostgres::pause).await?;
    sleep(beyond_lease(world, rng)).await;
    with(&postgres, LocalPostgres::resume).await?;
    world.calm(&disturbance);
    Ok(true)
}

/// Goes on while other faults happen; one that Postgres ends early has done its part.
pub(super) fn long_transaction(world: &Arc<World>, rng: &mut StdRng) -> bool {
    let time = world.settings.lease.mul_f64(rng.random_range(1.0..3.0));
    let url = world.server.url();
    spawn_blocking(move || {
        if let Ok(mut connection) = try_connect(&url)
            // A transaction that has a number is one that snapshots have to name.
            && connection.batch_execute("BEGIN; SELECT pg_current_xact_id()").is_ok()
        {
            std::thread::sleep(time);
            let _ = connection.batch_execute("COMMIT");
        }
    });
    true
}

pub(super) async fn with(
    postgres: &Arc<LocalPostgres>,
    act: impl FnOnce(&LocalPostgres) -> Result<(), Error> + Send + 'static,
) -> anyhow::Result<()> {
    let postgres = postgres.clone();
    Ok(spawn_blocking(move || act(&postgres)).await??)
}
