use super::process::Start;
use super::proxy::Proxy;
use super::{Records, World};
use crate::clock::Stamp;
use crate::verify::READY;
use crate::wire::{Command, Gone, Report, Right, TokenNumber};
use anyhow::Context;
use jeton_proof_support::Process;
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Generous: Postgres may be down when a verifier starts.
const START: Duration = Duration::from_secs(60);

/// The verifier processes, and what they have to know.
#[derive(Default)]
pub(crate) struct Fleet(Mutex<State>);

#[derive(Default)]
struct State {
    members: Vec<Arc<Member>>,
    /// What a newcomer has to be told.
    tokens: BTreeMap<TokenNumber, (String, Gone)>,
    started: u32,
}

/// One verifier process.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) proxy: Proxy,
    pub(crate) process: Arc<Process>,
    commands: Sender<Command>,
    ready: watch::Receiver<bool>,
}

impl Fleet {
    /// Starts one more verifier. It is told all there is to know; it may take a while until it has connected.
    pub(crate) async fn join(&self, world: &World) -> anyhow::Result<Arc<Member>> {
        let name = {
            let mut state = self.lock();
            state.started += 1;
            format!("verifier-{}", state.started)
        };
        let member = Arc::new(Member::start(name, world).await?);
        let mut state = self.lock();
        for (&token, (text, gone)) in &state.tokens {
            let (text, gone) = (text.clone(), *gone);
            member.tell(Command::Check { token, text, gone });
        }
        state.members.push(member.clone());
        Ok(member)
    }

    pub(super) fn remove(&self, name: &str) {
        self.lock().members.retain(|member| member.name != name);
    }

    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        self.lock().members.clone()
    }

    /// Has a token checked by all but one.
    pub(crate) fn check(&self, token: TokenNumber, text: &str, except: Option<&str>) {
        let mut state = self.lock();
        let gone = Gone::default();
        state.tokens.insert(token, (text.to_owned(), gone));
        for member in &state.members {
            if except != Some(member.name.as_str()) {
                let text = text.to_owned();
                member.tell(Command::Check { token, text, gone });
            }
        }
    }

    pub(crate) fn revoking(&self, token: TokenNumber) {
        self.lock().tell_all(&Command::Revoking(token));
    }

    pub(crate) fn gone(&self, token: TokenNumber, right: Right, at: Stamp) {
        let mut state = self.lock();
        if let Some((_, gone)) = state.tokens.get_mut(&token) {
            gone.of(right).get_or_insert(at);
        }
        state.tell_all(&Command::Gone { token, right, at });
    }

    pub(crate) fn back(&self, token: TokenNumber, right: Right) {
        let mut state = self.lock();
        if let Some((_, gone)) = state.tokens.get_mut(&token) {
            *gone.of(right) = None;
        }
        state.tell_all(&Command::Back { token, right });
    }

    pub(crate) fn forget(&self, token: TokenNumber) {
        let mut state = self.lock();
        state.tokens.remove(&token);
        state.tell_all(&Command::Forget(token));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell_all(&self, command: &Command) {
        for member in &self.members {
            member.tell(command.clone());
        }
    }
}

impl Member {
    async fn start(name: String, world: &World) -> anyhow::Result<Self> {
        world.event(format_args!("{name} starts"));
        let proxy = Proxy::start(world.server.addresses()).await?;
        let (says_ready, ready) = watch::channel(false);
        let start = Start {
            name: &name,
            subcommand: "verify",
            env: vec![
                ("DATABASE_URL", world.server.url_through(proxy.ports())?),
                (
                    "JETON_LEASE_TTL",
                    humantime::format_duration(world.settings.lease).to_string(),
                ),
            ],
            logs: world.settings.logs.as_ref(),
        };
        let (records, by) = (world.records.clone(), name.clone());
        let process = start.start(move |line| {
            if line == READY {
                says_ready.send_replace(true);
            } else {
                note(&records, &by, &line);
            }
        })?;
        let process = Arc::new(process);
        let (commands, told) = channel::<Command>();
        let writer = process.clone();
        // One that is stopped may not read for as long as that lasts.
        std::thread::spawn(move || {
            for line in told
                .iter()
                .filter_map(|command| serde_json::to_string(&command).ok())
            {
                writer.tell(&line);
            }
        });
        Ok(Self {
            name,
            proxy,
            process,
            commands,
            ready,
        })
    }

    /// Has this one do something.
    pub(crate) fn tell(&self, command: Command) {
        // To a process that has ended there is nothing to say.
        let _ = self.commands.send(command);
    }

    /// Returns when it has connected.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let mut ready = self.ready.clone();
        tokio::time::timeout(START, ready.wait_for(|ready| *ready))
            .await
            .with_context(|| format!("{} has not connected within {START:?}", self.name))?
            .with_context(|| format!("{} ended before it had connected", self.name))?;
        Ok(())
    }
}

/// A line that is none is the last one of a process that was killed while it wrote.
fn note(records: &Records, by: &str, line: &str) {
    if let Ok(report) = serde_json::from_str::<Report>(line) {
        let mut ledger = records.ledger();
        for sighting in &report.sightings {
            ledger.saw(by, sighting);
        }
        drop(ledger);
        records.stats().add_tally(by, &report.tally);
    }
}
