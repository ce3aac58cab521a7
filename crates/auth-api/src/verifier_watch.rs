//! Watches whether verifiers renew, for the metrics: whoever does not holds up revocations.

use jeton_http_kit::Metrics;
use jeton_persistence::verifiers::{self, Renewed};
use jeton_persistence::{Database, Turn};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often it looks. Verifiers renew every third of a lease, which is 5 seconds unless it is set.
const EVERY: Duration = Duration::from_secs(5);

/// What the last look has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Seen {
    registered: usize,
    /// Those whose last renewal that was seen is longer ago than their lease.
    overdue: usize,
    /// The longest time since one has renewed.
    longest: Duration,
}

/// When each verifier was first seen with the version that it has.
#[derive(Default)]
struct Watch(HashMap<Uuid, (i64, Instant)>);

impl Watch {
    fn look(&mut self, rows: &[Renewed], now: Instant) -> Seen {
        let before = std::mem::take(&mut self.0);
        let mut seen = Seen::default();
        for row in rows {
            let since = match before.get(&row.id) {
                Some((version, since)) if *version == row.version => *since,
                _ => now,
            };
            let age = now.saturating_duration_since(since);
            seen.registered += 1;
            seen.overdue += usize::from(age > row.lease());
            seen.longest = seen.longest.max(age);
            self.0.insert(row.id, (row.version, since));
        }
        seen
    }
}

/// Looks now and then, for as long as the runtime lives.
pub(crate) fn start(metrics: &mut Metrics, database: Database) {
    let last = Arc::<Mutex<Seen>>::default();
    let read = last.clone();
    metrics.add(move |samples| {
        let seen = *read.lock().unwrap_or_else(PoisonError::into_inner);
        samples.gauge(
            "jeton_verifiers",
            "Verifiers that are registered, and that revocations wait for",
            seen.registered as f64,
        )?;
        samples.gauge(
            "jeton_verifiers_overdue",
            "Those of them that have not renewed for longer than their lease",
            seen.overdue as f64,
        )?;
        samples.gauge(
            "jeton_verifier_renewal_age_seconds",
            "The longest time since one of them was seen to renew",
            seen.longest.as_secs_f64(),
        )
    });
    actix_web::rt::spawn(async move {
        let mut watch = Watch::default();
        loop {
            match database.run_reserved(Turn::Probe, verifiers::renewed).await {
                Ok(rows) => {
                    let seen = watch.look(&rows, Instant::now());
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = seen;
                }
                // What was seen last stands: the database tells no more.
                Err(error) => tracing::debug!(%error, "verifiers are not watched"),
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_renew_for_a_lease_is_overdue() {
        let mut watch = Watch::default();
        let start = Instant::now();
        let row = |id, version| Renewed::new(Uuid::from_u128(id), version, Duration::from_secs(10));
        let mut look = |versions: [i64; 2], secs| {
            let rows = [row(1, versions[0]), row(2, versions[1])];
            let seen = watch.look(&rows, start + Duration::from_secs(secs));
            (seen.registered, seen.overdue, seen.longest.as_secs())
        };
        assert_eq!(look([1, 1], 0), (2, 0, 0));
        assert_eq!(look([2, 1], 5), (2, 0, 5));
        assert_eq!(look([3, 1], 11), (2, 1, 11));
        assert_eq!(look([3, 2], 12), (2, 0, 1));
        assert_eq!(watch.look(&[], start), Seen::default());
    }
}
