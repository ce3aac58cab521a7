//! Which tokens were used, until it is written.

use crate::Caller;
use crate::connection::Reconnecting;
use jeton_coherence::{BootTime, uses};
use jeton_domain::TokenId;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most uses that wait to be written. What comes beyond is not noted: a check does not wait, and need not be noted.
const MOST: usize = 16_384;
/// How many are written by one statement.
const BATCH: usize = 1000;

/// How long to leave the table to somebody else who writes, where all must be written now.
const OTHERS_PAUSE: Duration = Duration::from_millis(10);

/// Uses that wait to be written: at most one a token and minute.
pub(crate) struct Uses {
    waiting: Mutex<Vec<(TokenId, BootTime)>>,
}

impl Uses {
    pub(crate) fn new() -> Self {
        Self {
            // All at once, so that no check allocates. It takes memory only as far as it is used.
            waiting: Mutex::new(Vec::with_capacity(MOST)),
        }
    }

    pub(crate) fn note(&self, caller: &Caller, now: BootTime) {
        if !caller.first_use_in_minute(now) {
            return;
        }
        if let Ok(mut waiting) = self.waiting.try_lock()
            && waiting.len() < MOST
        {
            waiting.push((caller.token_id(), now));
        }
    }

    /// Takes at most so many, the first noted first.
    fn take(&self, most: usize) -> Vec<(TokenId, BootTime)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }
}

/// Writes the uses, now and then.
pub(crate) struct UsesWriter {
    uses: Arc<Uses>,
    every: Duration,
    due: BootTime,
    /// What could not be written when it was due.
    left: Vec<(TokenId, BootTime)>,
}

impl UsesWriter {
    pub(crate) fn new(uses: Arc<Uses>, every: Duration) -> Self {
        Self {
            uses,
            every,
            due: BootTime::now() + every,
            left: Vec::new(),
        }
    }

    /// When [`write`](Self::write) shall be called next.
    pub(crate) fn due(&self) -> BootTime {
        self.due
    }

    /// Writes all that is there, for as long as the database takes it.
    pub(crate) fn write_all(&mut self, connection: &mut Reconnecting) {
        // Twice as many batches as there can be: somebody else may be writing now and then.
        for _ in 0..2 * MOST.div_ceil(BATCH) {
            self.write(connection);
            let others_write = !self.left.is_empty();
            if others_write {
                std::thread::sleep(OTHERS_PAUSE);
            } else if self.due > BootTime::now() {
                return;
            }
        }
    }

    /// Writes a batch. What fails is lost; what somebody else's writing keeps from being written waits.
    pub(crate) fn write(&mut self, connection: &mut Reconnecting) {
        // Nothing is left half done by a panic: it loses the batch, and the next one comes when that is due.
        let mut batch = std::mem::take(&mut self.left);
        if batch.is_empty() {
            batch = self.uses.take(BATCH);
        }
        let now = BootTime::now();
        self.due = now + self.every;
        if batch.is_empty() {
            return;
        }
        let ages: Vec<(TokenId, Duration)> = batch.iter().map(|(id, at)| (*id, now.since(*at))).collect();
        match connection.repeat(|connection| uses::mark(connection, &ages)) {
            Ok(true) if batch.len() == BATCH => self.due = now,
            Ok(true) => {}
            Ok(false) => self.left = batch,
            Err(error) => tracing::debug!(%error, "uses of tokens were not written"),
        }
    }
}
