use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// How long the end of a verifier may take: whoever ends it waits no longer.
pub(crate) const CLOSING: Duration = Duration::from_secs(2);

/// A thread of the verifier's own, with a runtime of its own: a busy, blocked or absent runtime of the application's delays
/// nothing that is done here. It ends by itself, once it is told to.
pub(crate) struct Worker {
    /// Nothing is ever sent: that the thread holds the other end no more is how its end is told.
    alive: Mutex<Receiver<Infallible>>,
}

/// A runtime that ends without waiting for what hangs in looking up a host's name; nor may it wait where no thread could be
/// started, and it is dropped in a runtime of the application's.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Worker {
    /// Starts the thread. What it waits for it has to wait for on the runtime, which runs only then.
    pub(crate) fn start(name: String, work: impl FnOnce(&Runtime) + Send + 'static) -> io::Result<Self> {
        let runtime = Background(Some(Builder::new_current_thread().enable_all().build()?));
        let (holds, alive) = channel();
        thread::Builder::new().name(name).spawn(move || {
            let _holds: Sender<Infallible> = holds;
            // Ends before that, and its connections with it.
            let runtime = runtime;
            runtime.0.as_ref().inspect(|runtime| work(runtime));
        })?;
        Ok(Self {
            alive: Mutex::new(alive),
        })
    }

    /// Blocks until the thread has ended, or until then.
    pub(crate) fn wait(&self, until: Instant) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        // That the other end is gone is the one answer that there can be, besides that there is none yet.
        let _ = alive.recv_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a runtime can be built")]

    use super::*;

    /// As where no thread could be started: Tokio panics where a runtime that is dropped would wait for its threads.
    #[tokio::test]
    async fn a_runtime_goes_without_waiting_inside_another() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        drop(Background(Some(runtime)));
    }
}
