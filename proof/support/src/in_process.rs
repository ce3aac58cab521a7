use std::any::type_name;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use jeton_http_kit::{Running, describe_settings};
use tokio::sync::oneshot;

use crate::Endpoint;
use crate::database::or_panic;

/// Nothing here takes that long; it is what stands between a mistake and a test that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Unless a test says otherwise: tests run many services at a time, and none takes the port that is everybody's default.
const NO_METRICS: (&str, &str) = ("JETON_METRICS_ADDR", "off");

/// A service in this process, on threads of its own. Ends in order with this value, so that no revocation waits for its
/// verifier. What it logs goes nowhere: for that, as for signals and whatever else is a process' alone, there is
/// [`ServiceProcess`](crate::ServiceProcess).
#[must_use]
pub struct InProcess {
    endpoint: Endpoint,
    metrics_address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    ended: Mutex<Receiver<anyhow::Result<()>>>,
}

impl InProcess {
    /// Starts a service with the settings that its program would have of an environment with these variables, and nothing
    /// else. Of a variable that is there twice, the later one holds. No metrics are told unless they say where.
    pub fn start<S, R>(start: impl FnOnce(S) -> R + Send + 'static, env: &[(&str, &str)]) -> Self
    where
        S: Parser + Send + 'static,
        R: Future<Output = anyhow::Result<Running>>,
    {
        or_panic("start a service", Self::try_start(start, env))
    }

    /// As [`start`](Self::start), for services that must refuse to.
    ///
    /// # Errors
    /// Its settings cannot be read, or what it says itself.
    pub fn try_start<S, R>(
        start: impl FnOnce(S) -> R + Send + 'static,
        env: &[(&str, &str)],
    ) -> anyhow::Result<Self>
    where
        S: Parser + Send + 'static,
        R: Future<Output = anyhow::Result<Running>>,
    {
        let settings = settings(env)?;
        let (stop, told) = oneshot::channel();
        let (tell, address) = channel();
        let (end, ended) = channel();
        std::thread::spawn(move || {
            let result = actix_web::rt::System::new().block_on(async move {
                let running = start(settings).await?;
                let _ = tell.send((running.address, running.metrics_address()));
                running.serve_until(told).await
            });
            // By now all of its threads have been told to end, and nothing blocks any more.
            let _ = end.send(result);
        });
        match address.recv() {
            Ok((address, metrics_address)) => Ok(Self {
                endpoint: Endpoint(address.to_string()),
                metrics_address,
                stop: Some(stop),
                ended: Mutex::new(ended),
            }),
            Err(_) => {
                ended.recv().context("it panicked")??;
                bail!("it ended at once")
            }
        }
    }

    /// Host and port of its metrics.
    pub fn metrics_address(&self) -> String {
        let address = self.metrics_address.context("no metrics are told");
        or_panic("ask for metrics", address).to_string()
    }

    /// Ends it as SIGTERM does, and waits until it has.
    pub fn terminate(mut self) {
        or_panic("end a service", self.end());
    }

    fn end(&mut self) -> anyhow::Result<()> {
        match self.stop.take() {
            Some(stop) => {
                let _ = stop.send(());
                let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
                ended.recv_timeout(PATIENCE)?
            }
            None => Ok(()),
        }
    }
}

impl Deref for InProcess {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // A second panic would end the test program without a word about the first.
        if let Err(error) = self.end()
            && !std::thread::panicking()
        {
            panic!("cannot end {self:?}: {error:#}");
        }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InProcess").field(&self.endpoint).finish()
    }
}

fn settings<S: Parser>(env: &[(&str, &str)]) -> anyhow::Result<S> {
    let program = describe_settings(S::command());
    let flag = |variable: &str| {
        let arg = program
            .get_arguments()
            .find(|arg| arg.get_env().is_some_and(|name| name == variable));
        arg.and_then(|arg| arg.get_long())
            .ok_or_else(|| anyhow!("{variable} is no setting of {}", type_name::<S>()))
    };
    let mut values = vec![NO_METRICS];
    for &(name, value) in env {
        values.retain(|(known, _)| *known != name);
        values.push((name, value));
    }
    let mut args = vec![program.get_name().to_owned()];
    for (name, value) in values {
        args.push(format!("--{}={value}", flag(name)?));
    }
    // What the tests' own environment says is of the tests.
    let matches = program.mut_args(|arg| arg.env(None)).try_get_matches_from(args)?;
    Ok(S::from_arg_matches(&matches)?)
}
