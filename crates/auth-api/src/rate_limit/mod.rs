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
use tokio::sync::Semaphore;

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
    /// How many more may be held back: each keeps its connection meanwhile.
    may_hold_back: Semaphore,
    blocks: KnownBlocks,
    lines: Lines,
    refused: AtomicU64,
    refused_from_memory: AtomicU64,
}

impl RateLimits {
    /// Of so many connections, half at the most are held back at a time.
    pub(crate) fn new(limits: Limits, connections: usize) -> Self {
        Self(Arc::new(Shared {
            limits,
            may_hold_back: Semaphore::new(connections / 2),
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

    fn refuse_from_memory(&self, left: Duration) -> ApiError {
        self.0.refused_from_memory.fetch_add(1, Ordering::Relaxed);
        self.refuse(left)
    }

    /// As [`refuse_from_memory`](Self::refuse_from_memory), after a while; `None`: what it would be refused for is over by then.
    async fn refuse_later(&self, left: Duration) -> Option<ApiError> {
        let Ok(_held) = self.0.may_hold_back.try_acquire() else {
            return Some(self.refuse_from_memory(left));
        };
        let time = rand::random_range(HELD_BACK);
        if left <= time {
            tokio::time::sleep(left).await;
            return None;
        }
        // Counted first, since it may hang up meanwhile.
        let _ = self.refuse_from_memory(left);
        tokio::time::sleep(time).await;
        Some(ApiError::TooManyAttempts(left - time))
    }

    /// Holds back who finds the queue full.
    async fn hold_back(&self) {
        if let Ok(_held) = self.0.may_hold_back.try_acquire() {
            tokio::time::sleep(rand::random_range(HELD_BACK)).await;
        }
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
        state.rate_limits.hold_back().await;
        return Err(full.into());
    }
    let mut place: Option<Place> = None;
    loop {
        if let Some(left) = shared.blocks.find(account, network, Instant::now()) {
            // Who has waited in the line has been held back, and lets the next one go at once.
            if place.is_some() {
                return Err(state.rate_limits.refuse_from_memory(left));
            }
            match state.rate_limits.refuse_later(left).await {
                Some(refused) => return Err(refused),
                None => continue,
            }
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
    use std::task::{Context, Waker};

    fn limits(connections: usize) -> RateLimits {
        let limits = Limits {
            account: 8,
            network: 100,
        };
        RateLimits::new(limits, connections)
    }

    /// By a clock that moves as soon as all wait for it.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_held_back_for_no_longer_than_the_block() {
        let limits = limits(2);
        for _ in 0..100 {
            let (start, hour) = (tokio::time::Instant::now(), Duration::from_secs(3600));
            let Some(ApiError::TooManyAttempts(left)) = limits.refuse_later(hour).await else {
                panic!("it is not over");
            };
            // The clock moves by milliseconds.
            let held = start.elapsed();
            assert!(held >= HELD_BACK.start && held <= HELD_BACK.end);
            assert!(left + held >= hour && left + held <= hour + Duration::from_millis(1));
            let start = tokio::time::Instant::now();
            assert!(limits.refuse_later(Duration::from_millis(20)).await.is_none());
            assert_eq!(start.elapsed(), Duration::from_millis(20));
        }
        assert_eq!(limits.refused(), (100, 100));
    }

    /// Each of them keeps its connection, which others would want. Who hangs up has been refused all the same.
    #[tokio::test(start_paused = true)]
    async fn half_of_the_connections_are_held_back_at_the_most() {
        let (limits, minute) = (limits(4), Duration::from_secs(60));
        let mut held = [limits.refuse_later(minute), limits.refuse_later(minute)].map(Box::pin);
        for one in &mut held {
            assert!(
                one.as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        let start = tokio::time::Instant::now();
        assert!(limits.refuse_later(minute).await.is_some());
        limits.hold_back().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        drop(held);
        assert_eq!(limits.refused(), (3, 3));
        assert!(limits.refuse_later(minute).await.is_some());
        assert!(start.elapsed() >= HELD_BACK.start);
    }
}
