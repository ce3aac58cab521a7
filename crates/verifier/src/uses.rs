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
}

impl UsesWriter {
    pub(crate) fn new(uses: Arc<Uses>, every: Duration) -> Self {
        Self {
            uses,
            every,
            due: BootTime::now() + every,
        }
    }

    /// When [`write`](Self::write) shall be called next.
    pub(crate) fn due(&self) -> BootTime {
        self.due
    }

    /// Writes all that is there, for as long as the database takes it.
    pub(crate) async fn write_all(&mut self, connection: &mut Reconnecting) {
        // What is noted meanwhile may make it one more batch.
        for _ in 0..=MOST.div_ceil(BATCH) {
            self.write(connection).await;
            if self.due > BootTime::now() {
                return;
            }
        }
    }

    /// Writes a batch. What fails is lost.
    pub(crate) async fn write(&mut self, connection: &mut Reconnecting) {
        // Nothing is left half done by a panic: it loses the batch, and the next one comes when that is due.
        let batch = self.uses.take(BATCH);
        let now = BootTime::now();
        self.due = now + self.every;
        if batch.is_empty() {
            return;
        }
        let ages: Vec<(TokenId, Duration)> = batch.iter().map(|(id, at)| (*id, now.since(*at))).collect();
        match connection.repeat(async |c| uses::mark(c, &ages).await).await {
            Ok(()) if batch.len() == BATCH => self.due = now,
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "uses of tokens were not written"),
        }
    }
}
