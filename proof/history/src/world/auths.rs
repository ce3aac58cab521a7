use super::process::Start;
use super::proxy::Proxy;
use super::{LogFile, World};
use crate::workload::TOKENS_PER_USER;
use anyhow::Context;
use jeton_client::AuthClient;
use jeton_proof_support::{Process, listening_at};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Generous: Postgres may be down when a service starts.
const START: Duration = Duration::from_secs(60);
/// A service that finds no database ends, and is started once more.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// The auth services.
#[derive(Default)]
pub(crate) struct Auths(Mutex<State>);

#[derive(Default)]
struct State {
    members: Vec<Arc<Auth>>,
    started: u32,
    picked: usize,
}

/// One auth service.
pub(crate) struct Auth {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) client: AuthClient,
    pub(crate) proxy: Proxy,
    pub(crate) process: Process,
}

impl Auths {
    /// Starts one more, and returns when it listens.
    pub(crate) async fn join(&self, world: &World) -> anyhow::Result<()> {
        let name = {
            let mut state = self.lock();
            state.started += 1;
            format!("auth-{}", state.started)
        };
        let starts = async {
            loop {
                match Auth::start(&name, world).await {
                    Ok(auth) => return auth,
                    Err(_) => tokio::time::sleep(TRY_AGAIN).await,
                }
            }
        };
        let auth = tokio::time::timeout(START, starts)
            .await
            .with_context(|| format!("{name} has not started within {START:?}"))?;
        self.lock().members.push(Arc::new(auth));
        Ok(())
    }

    pub(crate) fn members(&self) -> Vec<Arc<Auth>> {
        self.lock().members.clone()
    }

    /// One of them after the other; another one than the last that was of no use, if there is another.
    pub(crate) fn pick(&self, last: Option<&Auth>) -> Option<Arc<Auth>> {
        let mut state = self.lock();
        let others: Vec<_> = state
            .members
            .iter()
            .filter(|member| last.is_none_or(|last| last.name != member.name))
            .cloned()
            .collect();
        let choice = if others.is_empty() {
            &state.members
        } else {
            &others
        };
        let picked = choice.get(state.picked % choice.len().max(1)).cloned();
        state.picked = state.picked.wrapping_add(1);
        picked
    }

    pub(crate) fn remove(&self, name: &str) {
        self.lock().members.retain(|member| member.name != name);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auth {
    async fn start(name: &str, world: &World) -> anyhow::Result<Self> {
        let proxy = Proxy::start(world.server.addresses()).await?;
        let log = match world.settings.logs {
            Some(_) => "info",
            None => "error,jeton_http_kit::server=info",
        };
        let start = Start {
            name,
            subcommand: "auth",
            env: vec![
                ("DATABASE_URL", world.server.url_through(proxy.ports())?),
                ("JETON_AUTH_ADDR", "127.0.0.1:0".to_owned()),
                ("JETON_METRICS_ADDR", "off".to_owned()),
                ("JETON_BCRYPT_COST", "4".to_owned()),
                ("JETON_DEFAULT_SCOPES", "notes:read notes:write".to_owned()),
                // Everybody signs up from one address.
                ("JETON_NETWORK_FAILURES", "1000000".to_owned()),
                ("JETON_NETWORK_AUTHORIZATIONS", "1000000".to_owned()),
                ("JETON_USER_ACTS", "1000000".to_owned()),
                ("JETON_TOKENS_PER_USER", TOKENS_PER_USER.to_string()),
                ("JETON_LOG", log.to_owned()),
                (
                    "JETON_LEASE_TTL",
                    humantime::format_duration(world.settings.lease).to_string(),
                ),
            ],
            logs: world.settings.logs.as_ref(),
        };
        let (says_address, mut address) = watch::channel(None);
        let mut log = LogFile::create(&world.settings, name)?;
        let process = start.start(move |line| {
            if let Some(found) = listening_at(&line) {
                says_address.send_replace(Some(format!("http://{found}")));
            }
            log.line(&line);
        })?;
        let base_url = address
            .wait_for(Option::is_some)
            .await?
            .clone()
            .unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            client: AuthClient::builder(&base_url)
                .max_retries(0)
                .timeout(world.settings.bound() * 2)
                .build()?,
            base_url,
            proxy,
            process,
        })
    }
}
