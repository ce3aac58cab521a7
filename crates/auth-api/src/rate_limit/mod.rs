//! What stands before every check of a password: attempts are counted for the account and the network that they come from,
//! by all instances together, in the database. A process knows by itself what is blocked, for a moment, and lets those wait
//! in line that may go on or not, depending on what becomes of others.

mod attempt;
mod known_blocks;
mod lines;

pub(crate) use attempt::{Attempt, SoFar};

use crate::error::{ApiError, ApiResult};
use crate::hasher::HashingError;
use crate::state::State;
use jeton_domain::AuditContext;
use jeton_persistence::rate_limit::{self, Account, Blocked, Limits, Row, Verdict};
use jeton_persistence::{DatabaseResult, PgConnection};
use known_blocks::KnownBlocks;
use lines::{Lines, Place};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// How long an attempt waits for those in flight. After that, as many wait as at a full queue for hashing, and it is
/// answered as there.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// How long a refusal is held back that costs nothing to tell, at the least and at the most (a tarpit): whoever sends the next
/// attempt when this one is answered sends so many fewer, and other people's requests wait behind so many fewer. At random, since
/// they would all come back at once.
const HELD_BACK: Range<Duration> = Duration::from_millis(500)..Duration::from_millis(1500);

/// The rate limits, and what this process knows of them.
#[derive(Clone)]
pub(crate) struct RateLimits(Arc<Shared>);

struct Shared {
    limits: Limits,
    blocks: KnownBlocks,
    lines: Lines,
    refused: AtomicU64,
    refused_from_memory: AtomicU64,
}

impl RateLimits {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            blocks: KnownBlocks::default(),
            lines: Lines::default(),
            refused: AtomicU64::default(),
            refused_from_memory: AtomicU64::default(),
        }))
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Somebody was unblocked: what this process knows of blocks does not hold any more. Other processes hear of it within
    /// [`known_blocks::KNOWN_FOR`].
    pub(crate) fn forget_blocks(&self) {
        self.0.blocks.forget();
    }

    /// How many attempts were refused, and how many of them without asking the database.
    pub(crate) fn refused(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.0.refused), count(&self.0.refused_from_memory))
    }

    fn ended(&self, attempt: &rate_limit::Attempt) {
        self.0.lines.ended(attempt.rows());
    }

    fn refuse(&self, left: Duration) -> ApiError {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        ApiError::TooManyAttempts(left)
    }
}

/// Why an attempt may not be made now.
enum NotNow {
    Busy(Row),
    Blocked(Blocked),
}

/// Begins an attempt, before anything is hashed, and reads what it is to be checked against. A full queue is told first:
/// what it turns away is no attempt, and costs the database nothing. A place in it is taken only by who may go on.
pub(crate) async fn begin<T: Send + 'static>(
    state: &State,
    by: &AuditContext,
    account: &Account,
    read: impl Fn(&mut PgConnection) -> DatabaseResult<T> + Clone + Send + 'static,
) -> ApiResult<(Attempt, T)> {
    let shared = &state.rate_limits.0;
    let network = rate_limit::network(by.address);
    let started = Instant::now();
    if let Err(full) = state.hasher.check_queue(network) {
        hold_back(HELD_BACK.end).await;
        return Err(full.into());
    }
    let mut place: Option<Place> = None;
    loop {
        if let Some(left) = shared.blocks.find(account, network, Instant::now()) {
            shared.refused_from_memory.fetch_add(1, Ordering::Relaxed);
            // Who has waited in the line has been held back, and lets the next one go at once.
            if place.is_none() {
                hold_back(left).await;
            }
            return Err(state.rate_limits.refuse(left));
        }
        let asked = shared.blocks.ask(Instant::now());
        match ask(state, by, account, read.clone()).await? {
            Ok(begun) => return Ok(begun),
            Err(NotNow::Busy(row)) => {
                let mut waiting = match place.take() {
                    Some(place) if *place.row() == row => place,
                    _ => shared.lines.enter(row),
                };
                let left = LONGEST_WAIT.saturating_sub(started.elapsed());
                if tokio::time::timeout(left, waiting.wait()).await.is_err() {
                    return Err(HashingError::QueueFull.into());
                }
                place = Some(waiting);
            }
            Err(NotNow::Blocked(blocked)) => {
                shared.blocks.note(asked, account, network, blocked);
                return Err(state.rate_limits.refuse(blocked.network.max(blocked.account)));
            }
        }
    }
}

async fn hold_back(most: Duration) {
    tokio::time::sleep(rand::random_range(HELD_BACK).min(most)).await;
}

async fn ask<T: Send + 'static>(
    state: &State,
    by: &AuditContext,
    account: &Account,
    read: impl Fn(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
) -> DatabaseResult<Result<(Attempt, T), NotNow>> {
    let ends = (
        state.database.clone(),
        state.rate_limits.clone(),
        Handle::current(),
    );
    let (by, account, limits) = (by.clone(), account.clone(), state.rate_limits.limits());
    let asked = state.database.run(move |connection| {
        Ok(match rate_limit::begin(connection, &by, &account, limits)? {
            Verdict::Go(attempt) => {
                // From here on it ends, even if nobody waits for this any more.
                let attempt = Attempt::new(ends, by, attempt);
                Ok((attempt, read(connection)?))
            }
            Verdict::Busy(row) => Err(NotNow::Busy(row)),
            Verdict::Blocked(blocked) => Err(NotNow::Blocked(blocked)),
        })
    });
    asked.await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a clock that moves as soon as all wait for it.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_held_back_for_no_longer_than_the_block() {
        for _ in 0..100 {
            let start = tokio::time::Instant::now();
            hold_back(Duration::from_secs(3600)).await;
            // The clock moves by milliseconds.
            assert!(start.elapsed() >= HELD_BACK.start && start.elapsed() <= HELD_BACK.end);
            let start = tokio::time::Instant::now();
            hold_back(Duration::from_millis(20)).await;
            assert_eq!(start.elapsed(), Duration::from_millis(20));
        }
    }
}
