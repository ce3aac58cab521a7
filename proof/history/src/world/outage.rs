use super::{Auth, World};
use crate::clock::Stamp;
use crate::ledger::Violation;
use crate::workload::{By, Person, random_word};
use jeton_client::{ExposeSecret, SignUpRequest};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// How long to wait between two attempts.
const LOOK: Duration = Duration::from_millis(50);

/// What a fault does to the services, from their users' side.
pub(crate) struct Outage {
    /// For how long each verifier had not been able to tell before.
    before: BTreeMap<String, Duration>,
    probes: Vec<Probe>,
}

/// Somebody who signs up and logs out at one auth service, again and again.
struct Probe {
    auth: String,
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When the last attempt began that has succeeded.
    began: Stamp,
    /// When it had succeeded.
    worked: Stamp,
    /// The longest time from one success to the next.
    longest: Duration,
}

impl Outage {
    /// Begins to watch.
    pub(crate) fn watch(world: &World) -> Self {
        Self {
            before: world.records.stats().unavailable(),
            probes: world.auths.members().into_iter().map(Probe::start).collect(),
        }
    }

    /// Waits until all services work again, with nobody's help; one that does not is a violation.
    pub(crate) async fn wait_for_recovery(&self, world: &Arc<World>) {
        let (since, deadline) = (Stamp::now(), Instant::now() + world.settings.patience);
        let mut all = true;
        let mut missed = |name: &str| {
            all = false;
            let violation =
                Violation::not_recovered(name, world.settings.patience, &world.faults_now(), since);
            world.records.ledger().add(violation);
        };
        for probe in &self.probes {
            let mut seen = probe.seen.clone();
            let works = seen.wait_for(|seen| seen.began > since);
            if !matches!(timeout_at(deadline, works).await, Ok(Ok(_))) {
                missed(&probe.auth);
            }
        }
        // The auth services work, or nobody gets a token.
        let signed_up = timeout_at(deadline, Person::sign_up(world)).await;
        let Ok(Some(person)) = signed_up else { return };
        let token = person.numbers().first().copied();
        for member in world.fleet.members() {
            let accepts = async {
                while token.is_some_and(|token| !world.records.ledger().has_accepted(token, &member.name)) {
                    sleep(LOOK).await;
                }
            };
            if timeout_at(deadline, accepts).await.is_err() {
                missed(&member.name);
            }
        }
        world.event(format_args!(
            "all services work again: {all}, after {:?}",
            Stamp::now().since(since)
        ));
        let world = world.clone();
        tokio::spawn(async move { person.be_deleted(&world, By::Operator).await });
    }

    /// Notes what it was.
    pub(crate) fn end(self, world: &World, fault: &'static str) {
        let now = world.records.stats().unavailable();
        let checks = now.iter().map(|(verifier, time)| {
            let before = self.before.get(verifier).copied().unwrap_or_default();
            time.saturating_sub(before)
        });
        let checks = checks.max().unwrap_or_default();
        let requests = self.probes.iter().map(Probe::longest).max().unwrap_or_default();
        world.event(format_args!(
            "{fault}: checks were 503 for {checks:?}, signing up and logging out for {requests:?}"
        ));
        world.records.stats().outage(fault, checks, requests);
    }
}

impl Probe {
    fn start(auth: Arc<Auth>) -> Self {
        let now = Stamp::now();
        let (tell, seen) = watch::channel(Seen {
            began: Stamp(0),
            worked: now,
            longest: Duration::ZERO,
        });
        let name = auth.name.clone();
        let task = tokio::spawn(async move {
            loop {
                let began = Stamp::now();
                if attempt(&auth).await.is_some() {
                    tell.send_modify(|seen| {
                        let now = Stamp::now();
                        seen.longest = seen.longest.max(now.since(seen.worked));
                        (seen.began, seen.worked) = (began, now);
                    });
                }
                sleep(LOOK).await;
            }
        });
        Self {
            auth: name,
            seen,
            task,
        }
    }

    fn longest(&self) -> Duration {
        let seen = *self.seen.borrow();
        seen.longest.max(Stamp::now().since(seen.worked))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `None`: something of it was not answered with success.
async fn attempt(auth: &Auth) -> Option<()> {
    let request = SignUpRequest {
        username: random_word(),
        password: random_word().into(),
        email: None,
    };
    let issued = auth.client.sign_up(&request).await.ok()?;
    let session = auth.client.session(issued.token.expose_secret()).ok()?;
    session.logout().await.ok()
}
