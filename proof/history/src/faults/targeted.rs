//! Faults that are about one token, which is made for them.

use super::verifiers::any;
use crate::clock::Stamp;
use crate::wire::{Command, Gone, Right, TokenNumber, WRITE};
use crate::workload::{By, Held, Person};
use crate::world::{END, Phase, World};
use diesel::connection::SimpleConnection;
use jeton_domain::PlainToken;
use jeton_proof_support::try_connect;
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::{sleep, timeout};

/// How long to wait for what should come at once, and does not while something else is wrong.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often to look whether it has come.
const LOOK: Duration = Duration::from_millis(5);

/// A verifier looks a token up for the first time. The reply says "valid" and is on its way while the token is revoked
/// and the revocation acknowledged; then it arrives.
pub(super) async fn hold_reply(world: &Arc<World>, rng: &mut StdRng) -> anyhow::Result<bool> {
    let late = world.settings.lease.mul_f64(rng.random_range(0.05..1.3));
    let member = any(world, rng)?;
    let Some(mut person) = Person::sign_up(world).await else {
        return Ok(false);
    };
    let Some(held) = person.sign_in(world, Some(&member.name)).await else {
        return Ok(false);
    };
    member.proxy.hold(PlainToken::digest_of(&held.text)?.as_bytes());
    member.tell(Command::Check {
        token: held.number,
        text: held.text.to_string(),
        gone: Gone::default(),
    });
    let held_back = member.proxy.holds(PATIENCE).await;
    let user = world.clone();
    let token = held.clone();
    let client = tokio::spawn(async move {
        person.log_out(&user, &token, false).await;
        person
    });
    if rng.random_bool(0.75) {
        // Until it is acknowledged, which must not depend on the reply, and a little longer.
        let _ = timeout(world.settings.bound(), wait_until_gone(world, held.number)).await;
        sleep(Duration::from_millis(rng.random_range(0..100))).await;
    } else {
        sleep(late).await;
    }
    member.proxy.release();
    client.await?.be_deleted(world, By::Operator).await;
    Ok(held_back)
}

async fn wait_until_gone(world: &World, token: TokenNumber) {
    while !world.records.ledger().is_gone(token) {
        sleep(LOOK).await;
    }
}

/// A verifier is cut off, so that a revocation has to wait; meanwhile another one joins, and is told of the token.
pub(super) async fn join(world: &Arc<World>, rng: &mut StdRng) -> anyhow::Result<bool> {
    let member = any(world, rng)?;
    let Some((mut person, held)) = known_everywhere(world).await else {
        return Ok(false);
    };
    member.proxy.cut(true);
    let user = world.clone();
    let client = tokio::spawn(async move { person.log_out(&user, &held, false).await });
    sleep(Duration::from_millis(rng.random_range(0..200))).await;
    let newcomer = world.fleet.join(world).await?;
    let joined = newcomer.ready().await;
    client.await?;
    member.proxy.cut(false);
    joined?;
    // One too many by now: the one that was there first leaves in order.
    if let Some(oldest) = world.fleet.members().first() {
        block_in_place(|| oldest.process.end(END));
        world.remove(oldest);
    }
    Ok(true)
}

/// A row is deleted by hand. Nobody acknowledges that; it is known everywhere within a lease all the same.
pub(super) async fn delete_by_sql(world: &Arc<World>) -> anyhow::Result<bool> {
    let Some((_, held)) = known_everywhere(world).await else {
        return Ok(false);
    };
    let asked = world.ask("SQL DELETE", &[held.number]);
    let sql = format!("DELETE FROM tokens WHERE id = '{}'", held.id);
    if !insist(world, &sql).await {
        return Ok(false);
    }
    world.overdue_from(&asked, Stamp::now().plus(world.settings.bound()));
    Ok(true)
}

/// The same for a scope.
pub(super) async fn update_by_sql(world: &Arc<World>) -> anyhow::Result<bool> {
    let Some((person, held)) = known_everywhere(world).await else {
        return Ok(false);
    };
    let asked = world.ask_for_a_while("SQL UPDATE of scopes", Right::Write, &[held.number]);
    if !insist(world, &without_write(&person)).await {
        return Ok(false);
    }
    world.overdue_from(&asked, Stamp::now().plus(world.settings.bound()));
    delete_later(world, person);
    Ok(true)
}

/// The same in a transaction that is older than the token and does not see it.
pub(super) async fn update_in_old_snapshot(world: &Arc<World>) -> anyhow::Result<bool> {
    let Some(mut person) = Person::sign_up(world).await else {
        return Ok(false);
    };
    let url = world.server.url();
    let old = spawn_blocking(move || {
        let mut connection = try_connect(&url)?;
        connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM tokens LIMIT 1")?;
        anyhow::Ok(connection)
    });
    // Postgres may be away just now.
    let Ok(mut old) = old.await? else {
        person.be_deleted(world, By::Operator).await;
        return Ok(false);
    };
    if let Some(held) = person.sign_in(world, None).await {
        wait_until_known(world, &held).await;
    }
    let asked = world.ask_for_a_while("SQL UPDATE in an old snapshot", Right::Write, &person.numbers());
    let sql = format!("{}; COMMIT", without_write(&person));
    let done = spawn_blocking(move || old.batch_execute(&sql)).await?.is_ok();
    if done {
        world.overdue_from(&asked, Stamp::now().plus(world.settings.bound()));
    }
    delete_later(world, person);
    Ok(done)
}

fn without_write(person: &Person) -> String {
    let id = person.id;
    format!("UPDATE users SET scopes = array_remove(scopes, '{WRITE}') WHERE id = '{id}'")
}

/// The end of a person whose tokens have been looked at for a while.
fn delete_later(world: &Arc<World>, person: Person) {
    let world = world.clone();
    tokio::spawn(async move {
        world.rest(world.settings.bound() + world.settings.lease).await;
        person.be_deleted(&world, By::Operator).await;
    });
}

/// Somebody with a token that every verifier has accepted, as far as it can be seen in a short time.
async fn known_everywhere(world: &World) -> Option<(Person, Held)> {
    let person = Person::sign_up(world).await?;
    let held = person.tokens.first().cloned()?;
    wait_until_known(world, &held).await;
    Some((person, held))
}

async fn wait_until_known(world: &World, held: &Held) {
    let seen = async {
        for member in world.fleet.members() {
            while !world.records.ledger().has_accepted(held.number, &member.name) {
                sleep(LOOK).await;
            }
        }
    };
    let _ = timeout(PATIENCE, seen).await;
}

/// Runs SQL until it has succeeded; `false`: the run has given up.
async fn insist(world: &World, sql: &str) -> bool {
    while world.phase() != Phase::GivingUp {
        if world.server.execute(sql.to_owned()).await.is_ok() {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}
