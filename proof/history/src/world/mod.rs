//! The processes of a run, and what is known of them.

mod auths;
mod database;
mod fleet;
mod haproxy;
mod outage;
mod pair;
mod process;
mod proxy;
mod revocation;
mod stats;

pub(crate) use auths::Auth;
pub(crate) use fleet::Member;
pub(crate) use outage::Outage;
pub(crate) use pair::Pair;
pub(crate) use process::{END, this_program};
pub(crate) use revocation::Asked;

use crate::clock::Stamp;
use crate::ledger::{DisturbanceId, Disturbances, Ledger, Place};
use crate::settings::Settings;
use crate::wire::TokenNumber;
use crate::workload::Held;
use auths::Auths;
use database::Server;
use fleet::Fleet;
use stats::Stats;
use std::collections::VecDeque;
use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::block_in_place;

/// All that a run consists of.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) server: Server,
    pub(crate) fleet: Fleet,
    pub(crate) auths: Auths,
    pub(crate) records: Records,
    /// The token of somebody who may do what an admin may.
    pub(crate) admin: OnceLock<Held>,
    disturbances: Mutex<Disturbances>,
    /// What is wrong at the moment.
    faults: Mutex<Vec<&'static str>>,
    /// Tokens that are gone for good, and from when on nobody checks them any more.
    retiring: Mutex<VecDeque<(Stamp, TokenNumber)>>,
    /// Whether none of them is forgotten, however long ago it was: a fault has yet to show what becomes of them.
    keeping: AtomicBool,
    numbers: AtomicU32,
    events: Mutex<LogFile>,
    pub(crate) phase: watch::Sender<Phase>,
}

/// A run first works, then finishes what it has begun, then gives up what cannot be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Working,
    Finishing,
    GivingUp,
}

/// What the readers of all processes' output write to.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<(Mutex<Ledger>, Mutex<Stats>)>);

impl Records {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        self.0.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Starts Postgres and all processes; returns when all are ready.
    ///
    /// # Errors
    /// Something does not start.
    pub(crate) async fn start(settings: Settings) -> anyhow::Result<Self> {
        if let Some(directory) = &settings.logs {
            std::fs::create_dir_all(directory)?;
        }
        let events = LogFile::create(&settings, "events")?;
        let server = Server::start(&settings).await?;
        #[cfg(feature = "negative-controls")]
        if let Some(sql) = crate::negative::sql() {
            server.execute(sql.to_owned()).await?;
        }
        let world = Self {
            server,
            fleet: Fleet::default(),
            auths: Auths::default(),
            records: Records::default(),
            admin: OnceLock::new(),
            disturbances: Mutex::default(),
            faults: Mutex::default(),
            retiring: Mutex::default(),
            keeping: AtomicBool::new(false),
            numbers: AtomicU32::new(0),
            events: Mutex::new(events),
            phase: watch::Sender::new(Phase::Working),
            settings,
        };
        for _ in 0..world.settings.auths {
            world.auths.join(&world).await?;
        }
        for _ in 0..world.settings.verifiers {
            world.fleet.join(&world).await?;
        }
        for member in world.fleet.members() {
            member.ready().await?;
        }
        world.appoint_admin().await;
        Ok(world)
    }

    /// Takes a verifier that has ended out of the run.
    pub(crate) fn remove(&self, member: &Member) {
        self.fleet.remove(&member.name);
        self.records.stats().ended(&member.name);
    }

    /// Who takes part, with process ids.
    pub(crate) fn processes(&self) -> Vec<(String, u32)> {
        let auths = self.auths.members();
        let auths = auths.iter().map(|auth| (auth.name.clone(), auth.process.id()));
        let members = self.fleet.members();
        let members = members
            .iter()
            .map(|member| (member.name.clone(), member.process.id()));
        auths.chain(members).collect()
    }

    /// Ends all processes in order, and hears what they have to say.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        block_in_place(|| {
            for member in self.fleet.members() {
                member.process.end(END);
            }
            for auth in self.auths.members() {
                auth.process.end(END);
            }
        });
        self.server.end().await
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits, but not beyond the end of this phase.
    pub(crate) async fn rest(&self, time: Duration) {
        let mut phase = self.phase.subscribe();
        let now = *phase.borrow_and_update();
        let _ = tokio::time::timeout(time, phase.wait_for(|phase| *phase > now)).await;
    }

    pub(crate) fn new_number(&self) -> TokenNumber {
        TokenNumber(self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// What is wrong now, once each.
    pub(crate) fn faults_now(&self) -> Vec<&'static str> {
        let mut faults = lock(&self.faults).clone();
        faults.sort_unstable();
        faults.dedup();
        faults
    }

    pub(crate) fn fault_begins(&self, fault: &'static str) {
        self.event(format_args!("{fault} begins"));
        lock(&self.faults).push(fault);
    }

    pub(crate) fn fault_ends(&self, fault: &'static str) {
        self.event(format_args!("{fault} ends"));
        let mut faults = lock(&self.faults);
        if let Some(at) = faults.iter().position(|known| *known == fault) {
            faults.swap_remove(at);
        }
    }

    /// From now on, acknowledgements may be late, if they need this.
    pub(crate) fn disturb(&self, place: Place) -> DisturbanceId {
        lock(&self.disturbances).begin(place, Stamp::now())
    }

    pub(crate) fn calm(&self, id: &DisturbanceId) {
        lock(&self.disturbances).end(id, Stamp::now());
    }

    /// Forgets the tokens whose time has come.
    pub(crate) fn retire(&self) {
        if self.keeping.load(Ordering::Relaxed) {
            return;
        }
        let now = Stamp::now();
        let mut retiring = lock(&self.retiring);
        while let Some(&(when, token)) = retiring.front()
            && when <= now
        {
            retiring.pop_front();
            self.fleet.forget(token);
            self.records.ledger().forget(token);
        }
    }

    /// From now on tokens are checked for as long as it takes, or no longer.
    pub(crate) fn keep_all(&self, keep: bool) {
        self.keeping.store(keep, Ordering::Relaxed);
    }

    /// Writes down what has just happened, for whoever has a violation to explain.
    pub(crate) fn event(&self, what: impl Display) {
        lock(&self.events).line(&format!("{} {what}", Stamp::now()));
    }
}

/// Where a process' log goes, if anywhere.
struct LogFile(Option<std::fs::File>);

impl LogFile {
    fn create(settings: &Settings, name: &str) -> anyhow::Result<Self> {
        let directory = settings.logs.as_ref();
        let file = directory.map(|directory| std::fs::File::create(directory.join(format!("{name}.log"))));
        Ok(Self(file.transpose()?))
    }

    fn line(&mut self, line: &str) {
        if let Some(file) = &mut self.0 {
            let _ = writeln!(file, "{line}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
