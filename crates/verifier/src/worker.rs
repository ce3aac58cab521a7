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

impl Worker {
    /// Starts the thread. What it waits for it has to wait for on the runtime, which runs only then.
    pub(crate) fn start(name: String, work: impl FnOnce(&Runtime) + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (holds, alive) = channel();
        thread::Builder::new().name(name).spawn(move || {
            let _holds: Sender<Infallible> = holds;
            work(&runtime);
            // What hangs in looking up a host's name is not waited for.
            runtime.shutdown_background();
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
