use crate::error::{ApiError, ApiResult};
use jeton_domain::AuditContext;
use jeton_domain::rate_limit::LeakyBucket;
use jeton_persistence::rate_limit::{Network, network};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many requests all networks together may begin at once, and in an hour, each of which waits for ten minutes: a bound on rows.
const MOST_PENDING: u32 = 100_000;

/// How many networks are remembered; beyond that, those that began the least are forgotten.
const MOST_NETWORKS: usize = 100_000;

/// How many requests each network begins. Each process counts for itself, in memory: a bound on rows, not on guesses.
pub(super) struct Starts {
    each: LeakyBucket,
    all: LeakyBucket,
    levels: Mutex<HashMap<Option<Network>, (f64, Instant)>>,
}

impl Starts {
    pub(super) fn new(an_hour: u32) -> Self {
        Self {
            each: LeakyBucket::hourly(an_hour),
            all: LeakyBucket::hourly(MOST_PENDING),
            levels: Mutex::default(),
        }
    }

    pub(super) fn count(&self, by: &AuditContext, now: Instant) -> ApiResult<()> {
        let network = network(by.address);
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= MOST_NETWORKS {
            levels.retain(|of, level| of.is_none() || left(&self.each, Some(level), now) >= 1.0);
        }
        if levels.len() >= MOST_NETWORKS {
            levels.retain(|of, _| of.is_none());
        }
        let kinds = [(&self.all, None), (&self.each, Some(network))];
        for (bucket, of) in &kinds {
            let wait = bucket.wait(left(bucket, levels.get(of), now));
            if !wait.is_zero() {
                return Err(ApiError::TooManyAttempts(wait));
            }
        }
        for (bucket, of) in kinds {
            let level = left(bucket, levels.get(&of), now) + 1.0;
            levels.insert(of, (level, now));
        }
        Ok(())
    }
}

fn left(bucket: &LeakyBucket, level: Option<&(f64, Instant)>, now: Instant) -> f64 {
    level.map_or(0.0, |(level, at)| {
        (level - now.saturating_duration_since(*at).as_secs_f64() * bucket.leak_per_sec).max(0.0)
    })
}
