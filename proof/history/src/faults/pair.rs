//! What happens to a primary and its synchronous standby. Whoever decides who is the primary makes no mistake but one: a
//! former primary that is not fenced.

use super::beyond_lease;
use super::database::with;
use crate::workload::{Answer, By, Held, Person, Way, conclude};
use crate::world::{Asked, Auth, Outage, Pair, Phase, World};
use anyhow::Context;
use futures_util::future::join_all;
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{RawRequest, count, try_connect, try_raw};
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How often a client asks in vain for what may have been done already, at a service that answers whatever writes nothing, before
/// the primary fails.
const IN_VAIN: u32 = 5;
const LOOK: Duration = Duration::from_millis(50);

fn pair(world: &World) -> anyhow::Result<&Pair> {
    world.server.pair().context("there is no pair")
}

/// The end of a fault: what the pair was, it is again.
async fn heal(world: &Arc<World>, outage: &Outage) -> anyhow::Result<()> {
    pair(world)?.follow().await?;
    outage.wait_for_recovery(world).await;
    Ok(())
}

/// The primary's machine ends, and the standby takes over.
pub(super) async fn kill_primary(
    world: &Arc<World>,
    rng: &mut StdRng,
    outage: &Outage,
) -> anyhow::Result<()> {
    let pair = pair(world)?;
    with(&pair.primary(), LocalPostgres::kill).await?;
    sleep(Duration::from_millis(rng.random_range(0..1000))).await;
    pair.promote().await?;
    outage.wait_for_recovery(world).await;
    heal(world, outage).await
}

/// In order: all that the primary has committed reaches the standby before it ends.
pub(super) async fn switch_over(world: &Arc<World>, outage: &Outage) -> anyhow::Result<()> {
    let pair = pair(world)?;
    with(&pair.primary(), LocalPostgres::stop).await?;
    pair.promote().await?;
    outage.wait_for_recovery(world).await;
    heal(world, outage).await
}

/// The primary hangs, and the standby takes over. Then the former one goes on where it was, and is a primary to whoever has
/// a connection, until somebody ends it. Services have to work before it does.
pub(super) async fn stop_primary(
    world: &Arc<World>,
    rng: &mut StdRng,
    outage: &Outage,
) -> anyhow::Result<()> {
    let pair = pair(world)?;
    let former = pair.primary();
    with(&former, LocalPostgres::pause).await?;
    // Had it been fenced, it could be sooner. A service must not be able to renew its lease there any more.
    sleep(beyond_lease(world, rng)).await;
    pair.promote().await?;
    outage.wait_for_recovery(world).await;
    world.event("the former primary goes on");
    with(&former, LocalPostgres::resume).await?;
    sleep(beyond_lease(world, rng) * 2).await;
    with(&former, LocalPostgres::crash).await?;
    heal(world, outage).await
}

/// The former primary is started as what it was, and for a moment it is the only one that answers.
pub(super) async fn return_primary(
    world: &Arc<World>,
    rng: &mut StdRng,
    outage: &Outage,
) -> anyhow::Result<()> {
    let pair = pair(world)?;
    let former = pair.primary();
    with(&former, LocalPostgres::kill).await?;
    pair.promote().await?;
    outage.wait_for_recovery(world).await;
    world.event("the former primary returns");
    with(&former, LocalPostgres::start).await?;
    let primary = pair.primary();
    with(&primary, LocalPostgres::crash).await?;
    sleep(beyond_lease(world, rng)).await;
    with(&primary, LocalPostgres::start).await?;
    outage.wait_for_recovery(world).await;
    sleep(beyond_lease(world, rng)).await;
    with(&former, LocalPostgres::crash).await?;
    heal(world, outage).await
}

/// No commit ends while the standby is away.
pub(super) async fn lose_standby(
    world: &Arc<World>,
    rng: &mut StdRng,
    outage: &Outage,
) -> anyhow::Result<()> {
    let pair = pair(world)?;
    with(&pair.standby(), LocalPostgres::stop).await?;
    sleep(beyond_lease(world, rng) * 2).await;
    with(&pair.standby(), LocalPostgres::start).await?;
    pair.wait_for_standby().await?;
    outage.wait_for_recovery(world).await;
    Ok(())
}

/// The same, and the primary does not even know.
pub(super) async fn stop_standby(
    world: &Arc<World>,
    rng: &mut StdRng,
    outage: &Outage,
) -> anyhow::Result<()> {
    let pair = pair(world)?;
    with(&pair.standby(), LocalPostgres::pause).await?;
    sleep(beyond_lease(world, rng) * 2).await;
    with(&pair.standby(), LocalPostgres::resume).await?;
    outage.wait_for_recovery(world).await;
    Ok(())
}

/// The standby is away, so that what revokes is not confirmed. The primary crashes, by which it is committed there, and only
/// there. Whoever tries again then is told of it, or not; and then the standby takes over. `false`: nothing was committed.
pub(super) async fn try_again(world: &Arc<World>, outage: &Outage) -> anyhow::Result<bool> {
    let pair = pair(world)?;
    let Some(mut person) = Person::sign_up(world).await else {
        return Ok(false);
    };
    let Some(manager) = person.tokens.first().cloned() else {
        return Ok(false);
    };
    let mut victims = Vec::new();
    for way in [Way::LogOut, Way::ById, Way::ByText] {
        let Some(held) = person.sign_in(world, None).await else {
            return Ok(false);
        };
        person.drop_token(&held);
        victims.push((way, held));
    }
    let former = pair.primary();
    world.keep_all(true);
    with(&pair.standby(), LocalPostgres::kill).await?;
    let clients = victims
        .iter()
        .map(|(way, held)| Client::ask(world, *way, held, &manager));
    let mut clients = join_all(clients).await;
    with(&former, LocalPostgres::crash).await?;
    with(&former, LocalPostgres::start).await?;
    let gone = are_gone(&former, &victims).await?;
    join_all(clients.iter_mut().map(Client::ask_again)).await;
    with(&former, LocalPostgres::kill).await?;
    with(&pair.standby(), LocalPostgres::start).await?;
    pair.promote().await?;
    join_all(clients.into_iter().map(Client::insist)).await;
    outage.wait_for_recovery(world).await;
    heal(world, outage).await?;
    world.keep_all(false);
    person.be_deleted(world, By::Operator).await;
    Ok(gone)
}

/// Whether the rows of all these tokens are gone there.
async fn are_gone(server: &LocalPostgres, victims: &[(Way, Held)]) -> anyhow::Result<bool> {
    let url = server.url();
    let ids: Vec<_> = victims.iter().map(|(_, held)| format!("'{}'", held.id)).collect();
    let rows = format!("tokens WHERE id IN ({})", ids.join(", "));
    Ok(spawn_blocking(move || anyhow::Ok(count(&mut try_connect(&url)?, &rows))).await?? == 0)
}

/// Somebody who revokes a token, and goes on asking until there is an answer.
struct Client<'a> {
    world: &'a World,
    way: Way,
    held: &'a Held,
    by: &'a Held,
    asked: Asked,
    answer: Answer,
    tried: Vec<String>,
}

impl<'a> Client<'a> {
    async fn ask(world: &'a World, way: Way, held: &'a Held, by: &'a Held) -> Self {
        let mut client = Self {
            asked: world.ask(way.act(), &[held.number]),
            world,
            way,
            held,
            by,
            answer: Answer::Unsure,
            tried: Vec::new(),
        };
        client.attempt().await;
        client
    }

    /// Once, at one of the services after the other: which.
    async fn attempt(&mut self) -> Option<Arc<Auth>> {
        let auth = self.world.auths.pick(None)?;
        self.tried.push(auth.name.clone());
        self.answer = self.way.attempt(self.world, &auth, self.held, self.by).await;
        self.world.event(format_args!(
            "{} of {} at {}: {:?}",
            self.way.act(),
            self.held.number,
            auth.name,
            self.answer
        ));
        if self.answer != Answer::Unsure {
            conclude(self.world, &self.asked, &self.answer, &self.tried);
        }
        Some(auth)
    }

    /// While the standby is away: until there is an answer, or enough attempts were of no use.
    async fn ask_again(&mut self) {
        let mut in_vain = 0;
        while self.is_unanswered() && in_vain < IN_VAIN {
            if let Some(auth) = self.attempt().await
                && is_degraded(&auth).await
            {
                in_vain += 1;
            }
            sleep(LOOK).await;
        }
    }

    fn is_unanswered(&self) -> bool {
        self.answer == Answer::Unsure && self.world.phase() != Phase::GivingUp
    }

    /// Until there is an answer, or the run gives up.
    async fn insist(mut self) {
        while self.is_unanswered() {
            self.attempt().await;
            sleep(LOOK).await;
        }
    }
}

/// Whether a service says that it does everything but write.
async fn is_degraded(auth: &Auth) -> bool {
    let address = auth.base_url.trim_start_matches("http://").to_owned();
    let probe = RawRequest::new("GET", "/readyz")
        .header("Connection", "close")
        .to_bytes();
    let ready = spawn_blocking(move || try_raw(address, &probe)).await;
    matches!(ready, Ok(Ok(answer)) if answer.text().contains("degraded"))
}
