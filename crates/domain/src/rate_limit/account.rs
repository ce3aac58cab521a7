use super::in_flight::is_lost;
use super::{InFlight, LOCKOUT, Outcome, SAME_TIME, Standing, at_once, lockout};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The attempts to sign in to one account: from all networks that it is not known from, or from one that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAttempts {
    /// How many have failed in a row.
    pub failures: u32,
    /// Until when none is let through. In the past, however far: one is.
    pub blocked_until: DateTime<Utc>,
    /// When the last was made.
    pub last_at: DateTime<Utc>,
    /// Those that nobody knows the outcome of.
    pub in_flight: InFlight,
}

impl AccountAttempts {
    /// None so far.
    #[must_use]
    pub fn none(now: DateTime<Utc>) -> Self {
        Self {
            failures: 0,
            blocked_until: DateTime::UNIX_EPOCH,
            last_at: now,
            in_flight: InFlight::default(),
        }
    }

    /// What is to be known of them now: what was written while the clock was ahead is of now, and blocks for no longer
    /// than the failures do; those from a day ago are forgotten; those in flight that were lost have failed.
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>, limit: u32) -> Self {
        let mut new = self.clone();
        if new.last_at > now + SAME_TIME {
            new.last_at = now;
        }
        if new.last_at + LOCKOUT <= now {
            new.failures = 0;
        }
        if new.blocked_until > now + lockout(new.failures, limit) + SAME_TIME {
            new.blocked_until = now + lockout(new.failures, limit);
        }
        for failed_at in new.in_flight.take_lost(now) {
            new.fail(failed_at, limit);
        }
        new
    }

    /// Whether another may be made now.
    #[must_use]
    pub fn standing(&self, now: DateTime<Utc>, limit: u32) -> Standing {
        if let Ok(left) = (self.blocked_until - now).to_std()
            && !left.is_zero()
        {
            return Standing::Blocked(left);
        }
        if self.in_flight.count() < at_once(self.failures, limit) as usize {
            Standing::Free
        } else {
            Standing::Busy
        }
    }

    /// One more is in flight: what it is known by.
    pub fn begin(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.last_at = self.last_at.max(now);
        self.in_flight.begin(now)
    }

    /// What has become of the one that began then. Told again, it changes nothing; told after it was lost, and had counted
    /// as failed, it does not count any more, unless it has failed.
    pub fn end(&mut self, since: DateTime<Utc>, outcome: Outcome, now: DateTime<Utc>, limit: u32) {
        let was_in_flight = self.in_flight.end(since);
        *self = self.as_of(now, limit);
        match outcome {
            Outcome::Failed if was_in_flight => self.fail(now, limit),
            Outcome::TakenBack if !was_in_flight && is_lost(since, now) => {
                self.failures = self.failures.saturating_sub(1);
            }
            Outcome::Failed | Outcome::TakenBack => {}
            Outcome::Succeeded => {
                self.forgive();
                self.last_at = self.last_at.max(now);
            }
        }
    }

    /// Forgets the failures. What is in flight may still fail.
    pub fn forgive(&mut self) {
        self.failures = 0;
        self.blocked_until = DateTime::UNIX_EPOCH;
    }

    fn fail(&mut self, at: DateTime<Utc>, limit: u32) {
        self.failures = self.failures.saturating_add(1);
        let delay = lockout(self.failures, limit);
        if delay > Duration::ZERO {
            self.blocked_until = self.blocked_until.max(at + delay);
        }
        self.last_at = self.last_at.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::IN_FLIGHT;
    use chrono::TimeDelta;

    /// Five at once, then with delays, and twenty in all.
    const LIMIT: u32 = 20;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(secs)
    }

    fn blocked(secs: u64) -> Standing {
        Standing::Blocked(Duration::from_secs(secs))
    }

    /// As many as may be, all at the same time: what they are known by.
    fn begin_all(attempts: &mut AccountAttempts, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut begun = Vec::new();
        while attempts.standing(now, LIMIT) == Standing::Free {
            begun.push(attempts.begin(now));
        }
        begun
    }

    #[test]
    fn attempts_in_flight_are_no_failures_and_leave_no_more_room_than_failures_do() {
        let mut attempts = AccountAttempts::none(at(0));
        let begun = begin_all(&mut attempts, at(0));
        assert_eq!(begun.len(), 5);
        assert_eq!(attempts.standing(at(0), LIMIT), Standing::Busy);
        // One of them is right: its place is another's.
        attempts.end(begun[0], Outcome::Succeeded, at(1), LIMIT);
        assert_eq!(begin_all(&mut attempts, at(1)).len(), 1);
        for since in &begun[1..] {
            attempts.end(*since, Outcome::Failed, at(2), LIMIT);
            assert_eq!(attempts.standing(at(2), LIMIT), Standing::Busy);
        }
        let last = attempts.in_flight.since()[0];
        attempts.end(last, Outcome::Failed, at(3), LIMIT);
        assert_eq!(attempts.standing(at(3), LIMIT), blocked(30));
        // After the delay, one at a time.
        assert_eq!(begin_all(&mut attempts, at(33)).len(), 1);
        assert_eq!(attempts.standing(at(33), LIMIT), Standing::Busy);
    }

    #[test]
    fn an_outcome_counts_once() {
        for outcome in [Outcome::Failed, Outcome::TakenBack] {
            let mut attempts = AccountAttempts::none(at(0));
            let begun = begin_all(&mut attempts, at(0));
            attempts.end(begun[0], Outcome::Failed, at(0), LIMIT);
            attempts.end(begun[1], outcome, at(0), LIMIT);
            let once = attempts.clone();
            for again in [outcome, Outcome::TakenBack, Outcome::Failed] {
                attempts.end(begun[1], again, at(0), LIMIT);
                assert_eq!(attempts, once);
            }
        }
    }

    #[test]
    fn an_attempt_that_is_lost_has_failed_until_it_turns_out_that_it_has_not() {
        let mut attempts = AccountAttempts::none(at(0));
        let begun = begin_all(&mut attempts, at(0));
        assert_eq!(attempts.as_of(at(59), LIMIT), attempts);
        // However late that is noticed, it blocks from when they were lost.
        let noticed = attempts.as_of(at(75), LIMIT);
        assert_eq!((noticed.failures, noticed.in_flight.count()), (5, 0));
        assert!(matches!(noticed.standing(at(75), LIMIT), Standing::Blocked(left) if left.as_secs() == 15));
        let mut late = noticed.clone();
        late.end(begun[4], Outcome::Failed, at(76), LIMIT);
        assert_eq!(late, noticed);
        late.end(begun[3], Outcome::TakenBack, at(76), LIMIT);
        assert_eq!(late.failures, 4);
        // The same where nobody has noticed.
        attempts.end(begun[3], Outcome::TakenBack, at(75), LIMIT);
        assert_eq!(attempts.failures, 4);
        late.end(begun[2], Outcome::Succeeded, at(76), LIMIT);
        assert_eq!(late.standing(at(76), LIMIT), Standing::Free);
        assert_eq!(late.failures, 0);
    }

    #[test]
    fn a_day_without_attempts_forgets() {
        let mut attempts = AccountAttempts::none(at(0));
        for _ in 0..LIMIT {
            let since = attempts.begin(at(0));
            attempts.end(since, Outcome::Failed, at(0), LIMIT);
        }
        assert_eq!(
            attempts.as_of(at(86_399), LIMIT).standing(at(86_399), LIMIT),
            blocked(1)
        );
        let next_day = attempts.as_of(at(86_400), LIMIT);
        assert_eq!(
            (next_day.failures, next_day.standing(at(86_400), LIMIT)),
            (0, Standing::Free)
        );
    }

    /// A clock that was a year ahead, and then was right again.
    #[test]
    fn what_was_written_while_the_clock_was_ahead_is_of_now() {
        let ahead = at(31_536_000);
        for failures in [4, 5, 11, LIMIT] {
            let mut attempts = AccountAttempts::none(ahead);
            for _ in 0..failures {
                let since = attempts.begin(ahead);
                attempts.end(since, Outcome::Failed, ahead, LIMIT);
            }
            let healed = attempts.as_of(at(0), LIMIT);
            let left = (healed.blocked_until - at(0)).to_std().unwrap_or_default();
            assert!(left <= lockout(failures, LIMIT), "{failures}: {left:?}");
            assert_eq!((healed.failures, healed.last_at), (failures, at(0)));
            // Once it is written down, time passes again.
            assert_eq!(healed.as_of(at(86_400), LIMIT).failures, 0);
        }
        let mut attempts = AccountAttempts::none(ahead);
        begin_all(&mut attempts, ahead);
        let healed = attempts.as_of(at(0), LIMIT);
        assert_eq!(healed.standing(at(0), LIMIT), blocked(30));
        assert_eq!(
            healed.as_of(at(30), LIMIT).standing(at(30), LIMIT),
            Standing::Free
        );
    }

    /// Who has waited for a lock is told of times that are later than the one that it began at.
    #[test]
    fn times_that_are_a_little_later_are_as_good_as_now() {
        let mut attempts = AccountAttempts::none(at(5));
        for _ in 0..5 {
            let since = attempts.begin(at(5));
            attempts.end(since, Outcome::Failed, at(5), LIMIT);
        }
        assert_eq!(attempts.as_of(at(0), LIMIT), attempts);
        assert!(is_lost(at(0), at(0) + IN_FLIGHT));
    }
}
