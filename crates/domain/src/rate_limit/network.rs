use super::in_flight::is_lost;
use super::{InFlight, LeakyBucket, Outcome, SAME_TIME, Standing};
use chrono::{DateTime, Utc};

/// So many of a network may be in flight at once. No instance hashes as many in the time that they may take.
const MOST_IN_FLIGHT: usize = 1000;

/// The attempts to sign in, or up, from one network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkAttempts {
    /// The level of the network's [`LeakyBucket`] at `last_at`: how many have failed.
    pub failures: f64,
    /// When the last was made.
    pub last_at: DateTime<Utc>,
    /// Those that nobody knows the outcome of.
    pub in_flight: InFlight,
}

impl NetworkAttempts {
    /// None so far.
    #[must_use]
    pub fn none(now: DateTime<Utc>) -> Self {
        Self {
            failures: 0.0,
            last_at: now,
            in_flight: InFlight::default(),
        }
    }

    /// What is to be known of them now: what was written while the clock was ahead is of now; those in flight that were
    /// lost have failed; and more than the bucket holds is in none, whatever the limit was before.
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>, bucket: LeakyBucket) -> Self {
        let mut new = self.clone();
        // Not a number is less than any.
        new.failures = new.failures.min(bucket.capacity).max(0.0);
        if new.last_at > now + SAME_TIME {
            new.last_at = now;
        }
        for failed_at in new.in_flight.take_lost(now) {
            new.fail(failed_at, bucket);
        }
        new
    }

    /// How many count as failed now.
    #[must_use]
    pub fn level(&self, now: DateTime<Utc>, bucket: LeakyBucket) -> f64 {
        let passed = (now - self.last_at).to_std().unwrap_or_default();
        (self.failures - passed.as_secs_f64() * bucket.leak_per_sec).max(0.0)
    }

    /// Whether another may be made now.
    #[must_use]
    pub fn standing(&self, now: DateTime<Utc>, bucket: LeakyBucket) -> Standing {
        let (level, in_flight) = (self.level(now, bucket), self.in_flight.count());
        if level + 1.0 > bucket.capacity {
            Standing::Blocked(bucket.wait(level))
        } else if level + in_flight as f64 + 1.0 > bucket.capacity || in_flight >= MOST_IN_FLIGHT {
            Standing::Busy
        } else {
            Standing::Free
        }
    }

    /// One more is in flight: what it is known by.
    pub fn begin(&mut self, now: DateTime<Utc>, bucket: LeakyBucket) -> DateTime<Utc> {
        self.rise(0.0, now, bucket);
        self.in_flight.begin(now)
    }

    /// What has become of the one that began then; see [`AccountAttempts::end`](super::AccountAttempts::end). A success
    /// says nothing of the others from the network.
    pub fn end(&mut self, since: DateTime<Utc>, outcome: Outcome, now: DateTime<Utc>, bucket: LeakyBucket) {
        let was_in_flight = self.in_flight.end(since);
        *self = self.as_of(now, bucket);
        match outcome {
            Outcome::Failed if was_in_flight => self.fail(now, bucket),
            Outcome::Failed => {}
            Outcome::TakenBack | Outcome::Succeeded if was_in_flight => {}
            Outcome::TakenBack | Outcome::Succeeded => {
                if is_lost(since, now) {
                    self.failures = (self.failures - 1.0).max(0.0);
                }
            }
        }
    }

    fn fail(&mut self, at: DateTime<Utc>, bucket: LeakyBucket) {
        self.rise(1.0, at, bucket);
    }

    fn rise(&mut self, by: f64, at: DateTime<Utc>, bucket: LeakyBucket) {
        // One that was lost while others were made has leaked since.
        let leaked = (self.last_at - at).to_std().unwrap_or_default().as_secs_f64() * bucket.leak_per_sec;
        self.failures = (self.level(at, bucket) + (by - leaked).max(0.0)).min(bucket.capacity);
        self.last_at = self.last_at.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use std::time::Duration;

    fn bucket() -> LeakyBucket {
        LeakyBucket::of_network(60)
    }

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(secs)
    }

    fn begin_all(attempts: &mut NetworkAttempts, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut begun = Vec::new();
        while attempts.standing(now, bucket()) == Standing::Free {
            begun.push(attempts.begin(now, bucket()));
        }
        begun
    }

    /// A network that nothing more is let through from.
    fn full(now: DateTime<Utc>) -> NetworkAttempts {
        let mut attempts = NetworkAttempts::none(now);
        for since in begin_all(&mut attempts, now) {
            attempts.end(since, Outcome::Failed, now, bucket());
        }
        assert_eq!(
            attempts.standing(now, bucket()),
            Standing::Blocked(Duration::from_secs(60))
        );
        attempts
    }

    #[test]
    fn attempts_in_flight_are_no_failures_and_leave_no_more_room_than_failures_do() {
        let mut attempts = NetworkAttempts::none(at(0));
        let begun = begin_all(&mut attempts, at(0));
        assert_eq!(begun.len(), 60);
        assert_eq!(attempts.standing(at(0), bucket()), Standing::Busy);
        attempts.end(begun[0], Outcome::Succeeded, at(0), bucket());
        assert_eq!(begin_all(&mut attempts, at(0)).len(), 1);
        attempts.end(begun[1], Outcome::Failed, at(0), bucket());
        attempts.end(begun[1], Outcome::Failed, at(0), bucket());
        assert_eq!(attempts.level(at(0), bucket()), 1.0);
        assert_eq!(begin_all(&mut attempts, at(0)).len(), 0);
        assert_eq!(begin_all(&mut attempts, at(59)).len(), 0);
        assert_eq!(begin_all(&mut attempts, at(60)).len(), 1);
    }

    #[test]
    fn of_a_bucket_without_bounds_so_many_are_in_flight() {
        let bucket = LeakyBucket::of_network(1_000_000);
        let mut attempts = NetworkAttempts::none(at(0));
        while attempts.standing(at(0), bucket) == Standing::Free {
            attempts.begin(at(0), bucket);
        }
        assert_eq!(attempts.in_flight.count(), MOST_IN_FLIGHT);
        assert_eq!(attempts.standing(at(0), bucket), Standing::Busy);
    }

    #[test]
    fn what_was_written_while_the_clock_was_ahead_is_of_now() {
        let healed = full(at(31_536_000)).as_of(at(0), bucket());
        assert_eq!(healed.last_at, at(0));
        assert_eq!(healed.standing(at(61), bucket()), Standing::Free);
        assert_eq!(healed.level(at(3600), bucket()), 0.0);
    }

    #[test]
    fn more_than_the_bucket_holds_is_in_none() {
        for failures in [1e9, f64::INFINITY, f64::NAN] {
            let mut attempts = full(at(0));
            attempts.failures = failures;
            let standing = attempts.as_of(at(0), bucket()).standing(at(0), bucket());
            assert!(
                matches!(standing, Standing::Blocked(left) if left <= Duration::from_secs(60)),
                "{failures}"
            );
        }
    }

    #[test]
    fn one_that_is_lost_has_failed_when_it_was_lost() {
        let mut attempts = NetworkAttempts::none(at(0));
        let begun = begin_all(&mut attempts, at(0));
        assert_eq!(
            attempts.as_of(at(61), bucket()).level(at(61), bucket()).round(),
            60.0
        );
        // An hour later nobody minds.
        assert_eq!(attempts.as_of(at(3661), bucket()).level(at(3661), bucket()), 0.0);
        attempts.end(begun[0], Outcome::TakenBack, at(61), bucket());
        assert_eq!(attempts.level(at(61), bucket()).round(), 59.0);
        attempts.end(begun[1], Outcome::TakenBack, at(61), bucket());
        assert_eq!(attempts.level(at(61), bucket()).round(), 58.0);
    }
}
