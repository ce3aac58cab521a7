//! What a user does again and again that leaves a row or an event each time: so many in an hour, or the audit log would
//! fill the disk. Nothing that revokes is refused; but an app gets another token as often as it gives one back, so those events
//! have as many places as the acts, of their own, and beyond them it is done without one. Each process counts for itself, in
//! memory: a bound on rows, not on guesses, so that twice as much with two instances does no harm.

use crate::error::ApiError;
use crate::state::State;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use jeton_domain::UserId;
use jeton_domain::rate_limit::LeakyBucket;
use jeton_verifier::Caller;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How many users are remembered. Of those who have done the least, no more is remembered than that.
const MOST_USERS: usize = 100_000;

/// The acts of each user, in a bucket that leaks.
#[derive(Clone)]
pub(crate) struct Acts {
    bucket: LeakyBucket,
    users: Arc<Mutex<HashMap<UserId, Level>>>,
}

#[derive(Clone, Copy)]
struct Level {
    acts: f64,
    at: Instant,
}

impl Acts {
    pub(crate) fn new(an_hour: u32) -> Self {
        Self {
            bucket: LeakyBucket::hourly(an_hour),
            users: Arc::default(),
        }
    }

    /// Counts one more act of the user's, if there may be one now.
    pub(crate) fn count(&self, user: UserId) -> Result<(), ApiError> {
        self.count_at(user, Instant::now())
    }

    /// Counts one more, and says whether there may be one.
    pub(crate) fn has_room(&self, user: UserId) -> bool {
        self.count(user).is_ok()
    }

    fn count_at(&self, user: UserId, now: Instant) -> Result<(), ApiError> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let acts = users.get(&user).map_or(0.0, |level| self.left(level, now));
        let wait = self.bucket.wait(acts);
        if !wait.is_zero() {
            return Err(ApiError::TooManyAttempts(wait));
        }
        if users.len() >= MOST_USERS {
            users.retain(|_, level| self.left(level, now) >= 1.0);
            if users.len() >= MOST_USERS {
                users.clear();
            }
        }
        let level = Level {
            acts: acts + 1.0,
            at: now,
        };
        users.insert(user, level);
        Ok(())
    }

    fn left(&self, level: &Level, now: Instant) -> f64 {
        let leaked = now.saturating_duration_since(level.at).as_secs_f64() * self.bucket.leak_per_sec;
        (level.acts - leaked).max(0.0)
    }
}

/// Stands behind the guard of an endpoint that [counts](crate::endpoint::Endpoint::counted), and before anything is read.
pub(crate) async fn counted<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let user = request.extensions().get::<Caller>().map(Caller::user_id);
    let counted = match (user, request.app_data::<Data<State>>()) {
        (Some(user), Some(state)) => state.acts.count(user),
        _ => Ok(()),
    };
    match counted {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refused) => Ok(request
            .into_response(refused.error_response())
            .map_into_right_body()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn a_user_has_so_many_acts_at_once_and_so_many_an_hour() {
        let acts = Acts::new(60);
        let (ada, eve) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        for _ in 0..60 {
            acts.count_at(ada, at(0)).unwrap();
        }
        match acts.count_at(ada, at(0)) {
            Err(ApiError::TooManyAttempts(wait)) => assert_eq!(wait, Duration::from_secs(60)),
            other => panic!("{other:?}"),
        }
        acts.count_at(eve, at(0)).unwrap();
        acts.count_at(ada, at(61)).unwrap();
        assert!(acts.count_at(ada, at(61)).is_err());
        // An hour later, as if nothing had been.
        for _ in 0..60 {
            acts.count_at(ada, at(7200)).unwrap();
        }
        assert!(acts.count_at(ada, at(7200)).is_err());
    }

    #[test]
    fn users_are_not_remembered_without_end() {
        let acts = Acts::new(10);
        let start = Instant::now();
        for user in 0..MOST_USERS + 10 {
            acts.count_at(UserId(Uuid::from_u128(user as u128)), start)
                .unwrap();
        }
        assert!(acts.users.lock().unwrap().len() <= MOST_USERS);
    }
}
