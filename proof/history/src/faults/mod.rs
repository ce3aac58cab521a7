//! What goes wrong, and when.

mod database;
mod pair;
mod services;
mod targeted;
mod verifiers;

use crate::ledger::Place;
use crate::settings::Settings;
use crate::world::{Outage, Phase, World};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fault {
    /// A verifier is stopped (SIGSTOP) for longer than its lease
    StoppedVerifier,
    /// A verifier is killed (SIGKILL), and another one started
    KilledVerifier,
    /// A verifier's connections are cut for longer than its lease; bytes under way arrive afterwards
    CutVerifier,
    /// A verifier's connections are reset
    ResetVerifier,
    /// All that Postgres says to a verifier arrives late
    SlowVerifier,
    /// A look-up's reply is held back while its token is revoked
    HeldReply,
    /// A verifier joins while a revocation waits for another one
    JoiningVerifier,
    /// Postgres is restarted in order
    RestartedPostgres,
    /// Postgres is restarted as after a crash
    CrashedPostgres,
    /// Postgres stops for longer than a lease, and its connections stay open
    StoppedPostgres,
    /// An auth service is killed in the middle of a revocation
    KilledAuth,
    /// An auth service is stopped (SIGSTOP) for longer than a lease
    StoppedAuth,
    /// An auth service's connections are cut for a while
    CutAuth,
    /// A transaction that has written stays open elsewhere
    LongTransaction,
    /// Somebody deletes a token's row by SQL
    SqlDelete,
    /// Somebody takes a scope from a user by SQL
    SqlUpdate,
    /// The same in a repeatable-read transaction that is older than one of the user's tokens
    SqlOldSnapshot,
    /// The primary's machine ends, and the standby takes over
    KilledPrimary,
    /// The standby takes over from a primary that has ended in order
    SwitchedOver,
    /// The primary is stopped (SIGSTOP) and the standby takes over; then the former primary goes on
    StoppedPrimary,
    /// The former primary comes back as a primary
    ReturnedPrimary,
    /// The standby is away for a while
    LostStandby,
    /// The standby is stopped (SIGSTOP) for a while
    StoppedStandby,
    /// The standby takes over after a revocation that no standby has, and another attempt at it
    SecondAttempt,
}

/// The faults of a pair: those that are about two servers, one after the other.
const PAIR_LANES: [&[Fault]; 1] = [&[
    Fault::KilledPrimary,
    Fault::SwitchedOver,
    Fault::StoppedPrimary,
    Fault::ReturnedPrimary,
    Fault::LostStandby,
    Fault::StoppedStandby,
    Fault::SecondAttempt,
]];

/// The faults that happen one after the other. What is in different lanes may meet.
const LANES: [&[Fault]; 2] = [
    &[
        Fault::StoppedVerifier,
        Fault::KilledVerifier,
        Fault::CutVerifier,
        Fault::ResetVerifier,
        Fault::SlowVerifier,
        Fault::HeldReply,
        Fault::JoiningVerifier,
    ],
    &[
        Fault::RestartedPostgres,
        Fault::CrashedPostgres,
        Fault::StoppedPostgres,
        Fault::KilledAuth,
        Fault::StoppedAuth,
        Fault::CutAuth,
        Fault::LongTransaction,
        Fault::SqlDelete,
        Fault::SqlUpdate,
        Fault::SqlOldSnapshot,
    ],
];

impl Fault {
    /// What it is called in the output, and after `--faults`.
    fn name(self) -> &'static str {
        match self {
            Self::StoppedVerifier => "stopped-verifier",
            Self::KilledVerifier => "killed-verifier",
            Self::CutVerifier => "cut-verifier",
            Self::ResetVerifier => "reset-verifier",
            Self::SlowVerifier => "slow-verifier",
            Self::HeldReply => "held-reply",
            Self::JoiningVerifier => "joining-verifier",
            Self::RestartedPostgres => "restarted-postgres",
            Self::CrashedPostgres => "crashed-postgres",
            Self::StoppedPostgres => "stopped-postgres",
            Self::KilledAuth => "killed-auth",
            Self::StoppedAuth => "stopped-auth",
            Self::CutAuth => "cut-auth",
            Self::LongTransaction => "long-transaction",
            Self::SqlDelete => "sql-delete",
            Self::SqlUpdate => "sql-update",
            Self::SqlOldSnapshot => "sql-old-snapshot",
            Self::KilledPrimary => "killed-primary",
            Self::SwitchedOver => "switched-over",
            Self::StoppedPrimary => "stopped-primary",
            Self::ReturnedPrimary => "returned-primary",
            Self::LostStandby => "lost-standby",
            Self::StoppedStandby => "stopped-standby",
            Self::SecondAttempt => "second-attempt",
        }
    }

    /// Lets it happen, and returns when it is over; `false`: it could not happen.
    async fn happen(self, world: &Arc<World>, rng: &mut StdRng) -> anyhow::Result<bool> {
        match self {
            Self::StoppedVerifier => verifiers::stop(world, rng).await,
            Self::KilledVerifier => verifiers::kill(world, rng).await,
            Self::CutVerifier => verifiers::cut(world, rng).await,
            Self::ResetVerifier => verifiers::reset(world, rng).await,
            Self::SlowVerifier => verifiers::slow(world, rng).await,
            Self::HeldReply => targeted::hold_reply(world, rng).await,
            Self::JoiningVerifier => targeted::join(world, rng).await,
            Self::RestartedPostgres => database::restart(world, rng, false).await,
            Self::CrashedPostgres => database::restart(world, rng, true).await,
            Self::StoppedPostgres => database::stop(world, rng).await,
            Self::KilledAuth => services::kill(world, rng).await,
            Self::StoppedAuth => services::stop(world, rng).await,
            Self::CutAuth => services::cut(world, rng).await,
            Self::LongTransaction => Ok(database::long_transaction(world, rng)),
            Self::SqlDelete => targeted::delete_by_sql(world).await,
            Self::SqlUpdate => targeted::update_by_sql(world).await,
            Self::SqlOldSnapshot => targeted::update_in_old_snapshot(world).await,
            _ => self.happen_to_pair(world, rng).await,
        }
    }

    /// The same, also telling for how long services were not available.
    async fn happen_to_pair(self, world: &Arc<World>, rng: &mut StdRng) -> anyhow::Result<bool> {
        let disturbance = world.disturb(Place::Database);
        let outage = Outage::watch(world);
        let happened = match self {
            Self::KilledPrimary => pair::kill_primary(world, rng, &outage).await.map(|()| true),
            Self::SwitchedOver => pair::switch_over(world, &outage).await.map(|()| true),
            Self::StoppedPrimary => pair::stop_primary(world, rng, &outage).await.map(|()| true),
            Self::ReturnedPrimary => pair::return_primary(world, rng, &outage).await.map(|()| true),
            Self::LostStandby => pair::lose_standby(world, rng, &outage).await.map(|()| true),
            Self::StoppedStandby => pair::stop_standby(world, rng, &outage).await.map(|()| true),
            Self::SecondAttempt => pair::try_again(world, &outage).await,
            _ => Ok(false),
        };
        world.calm(&disturbance);
        outage.end(world, self.name());
        happened
    }

    fn is_wanted(self, world: &World) -> bool {
        let restarts = matches!(
            self,
            Self::RestartedPostgres | Self::CrashedPostgres | Self::StoppedPostgres
        );
        let wanted = world.settings.faults.clone();
        #[cfg(feature = "negative-controls")]
        let wanted = wanted.or_else(crate::negative::faults);
        // Somebody else's server is left alone.
        wanted.is_none_or(|wanted| wanted.contains(&self)) && (world.server.own().is_some() || !restarts)
    }
}

/// One lane's faults until the run ends: first each kind once, in any order, then any. `rounds` counts the lanes that
/// have had each kind.
pub(crate) async fn lane(
    world: Arc<World>,
    number: usize,
    seed: u64,
    rounds: watch::Sender<usize>,
) -> anyhow::Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut kinds: Vec<_> = lanes_of(&world.settings)
        .get(number)
        .map_or(&[][..], |lane| lane)
        .to_vec();
    kinds.retain(|fault| fault.is_wanted(&world));
    let mut round = kinds.clone();
    round.shuffle(&mut rng);
    if kinds.is_empty() {
        rounds.send_modify(|rounds| *rounds += 1);
    }
    while world.phase() == Phase::Working && !kinds.is_empty() {
        let first_time = round.pop();
        let fault = first_time.unwrap_or_else(|| kinds[rng.random_range(0..kinds.len())]);
        world.fault_begins(fault.name());
        let happened = fault.happen(&world, &mut rng).await;
        world.fault_ends(fault.name());
        if happened.map_err(|error| error.context(fault.name()))? {
            world.records.stats().fault(fault.name());
            if first_time.is_some() && round.is_empty() {
                rounds.send_modify(|rounds| *rounds += 1);
            }
        } else if first_time.is_some() {
            round.insert(0, fault);
        }
        // In a rest the fast ways are tried, too: with something always wrong, all revocations would wait.
        let longest = if round.is_empty() { 8000 } else { 400 };
        world
            .rest(Duration::from_millis(rng.random_range(50..longest)))
            .await;
    }
    Ok(())
}

pub(crate) fn lanes(settings: &Settings) -> usize {
    lanes_of(settings).len()
}

fn lanes_of(settings: &Settings) -> &'static [&'static [Fault]] {
    match settings.pair {
        Some(_) => &PAIR_LANES,
        None => &LANES,
    }
}

/// Somewhat longer than a lease.
fn beyond_lease(world: &World, rng: &mut StdRng) -> Duration {
    world.settings.lease.mul_f64(rng.random_range(1.15..1.8))
}
