//! What the auth service tells Prometheus beside what every service does.

use crate::hasher::Hasher;
use crate::rate_limit::RateLimits;
use jeton_http_kit::{Histogram, Metrics};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How revocations fared that waited until no verifier accepts what they revoked.
#[derive(Clone)]
pub(crate) struct RevocationMetrics {
    waits: Histogram,
    unconfirmed: Arc<AtomicU64>,
}

impl RevocationMetrics {
    pub(crate) fn register(metrics: &mut Metrics) -> Self {
        let waits = metrics.add_waits(
            "jeton_revocation_wait_seconds",
            "Time until a revocation was known to hold everywhere",
        );
        let unconfirmed = Arc::<AtomicU64>::default();
        let read = unconfirmed.clone();
        metrics.add(move |samples| {
            samples.counter(
                "jeton_revocations_unconfirmed",
                "Revocations that were done and are not known to hold everywhere: answered 503",
                read.load(Ordering::Relaxed),
            )
        });
        Self { waits, unconfirmed }
    }

    pub(crate) fn note(&self, confirmed: bool, took: Duration) {
        if confirmed {
            self.waits.observe(took.as_secs_f64());
        } else {
            self.unconfirmed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How far the cleanup is behind the database's clock.
#[derive(Clone)]
pub(crate) struct CleanupMetrics(Arc<AtomicU64>);

impl CleanupMetrics {
    pub(crate) fn register(metrics: &mut Metrics) -> Self {
        let behind_secs = Arc::<AtomicU64>::default();
        let read = behind_secs.clone();
        metrics.add(move |samples| {
            samples.gauge(
                "jeton_cleanup_behind_seconds",
                "How far the cleanup is behind the database's clock, which has jumped ahead by as much",
                read.load(Ordering::Relaxed) as f64,
            )
        });
        Self(behind_secs)
    }

    pub(crate) fn note(&self, behind: Duration) {
        self.0.store(behind.as_secs(), Ordering::Relaxed);
    }
}

pub(crate) fn register_rate_limits(metrics: &mut Metrics, rate_limits: RateLimits) {
    metrics.add(move |samples| {
        let (refused, from_memory) = rate_limits.refused();
        samples.counter(
            "jeton_rate_limited",
            "Attempts to sign in or up that were refused for their number: answered 429",
            refused,
        )?;
        samples.counter(
            "jeton_rate_limited_from_memory",
            "Those of them that the database was not asked about",
            from_memory,
        )
    });
}

pub(crate) fn register_hasher(metrics: &mut Metrics, hasher: Hasher) {
    metrics.add(move |samples| {
        let status = hasher.status();
        samples.gauge(
            "jeton_hashing_threads",
            "How many passwords can be hashed at a time",
            status.threads as f64,
        )?;
        samples.gauge(
            "jeton_hashing_in_use",
            "Passwords that are being hashed",
            status.in_use as f64,
        )?;
        samples.gauge(
            "jeton_hashing_waiting",
            "Passwords that wait to be hashed",
            status.waiting as f64,
        )?;
        samples.counter(
            "jeton_hashing_refused",
            "Passwords that found the queue full: answered 503",
            status.refused,
        )?;
        samples.counter(
            "jeton_hashing_rounds",
            "Rounds of bcrypt that checks of passwords took: as many for each",
            status.rounds,
        )
    });
}
