//! An attempt that is in flight, and that ends whatever happens.

use super::RateLimits;
use crate::error::{ApiError, ApiResult};
use crate::hasher::Hasher;
use jeton_domain::{AuditContext, AuditReason, Password, PasswordHash};
use jeton_persistence::audit::NewAuditEvent;
use jeton_persistence::rate_limit::{self, Outcome};
use jeton_persistence::{Database, DatabaseResult};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long after each other the ending of an attempt is tried again while the database is away. What is not ended by then
/// counts as failed.
const AGAIN_AFTER: [Duration; 8] = {
    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }
    [
        secs(0),
        secs(1),
        secs(2),
        secs(4),
        secs(8),
        secs(15),
        secs(30),
        secs(60),
    ]
};

/// An attempt that counts as in flight, for account and network. Each of its methods that takes it ends it; where it is
/// dropped instead, because an error was returned or the client went away, it ends by what is known of it so far.
#[must_use = "an attempt ends by what is known of it"]
pub(crate) struct Attempt(Option<InFlight>);

struct InFlight {
    database: Database,
    limits: RateLimits,
    runtime: Handle,
    by: AuditContext,
    attempt: rate_limit::Attempt,
    so_far: SoFar,
}

/// What is known of an attempt.
#[derive(Debug, Clone)]
pub(crate) enum SoFar {
    /// Nothing was checked: it is none.
    Unchecked,
    /// It has failed, and this is to be written down.
    Failed(Option<NewAuditEvent>),
    /// The password is right. Unless somebody is let in, this is to be written down, with why.
    Right(NewAuditEvent, AuditReason),
    /// The password is right, and somebody was let in.
    Succeeded,
}

impl SoFar {
    /// The password is right.
    pub(crate) fn right(event: NewAuditEvent) -> Self {
        Self::Right(event, AuditReason::ClientGone)
    }
}

impl Attempt {
    /// On whatever thread: it is ended on this runtime where it is dropped.
    pub(super) fn new(
        (database, limits, runtime): (Database, RateLimits, Handle),
        by: AuditContext,
        attempt: rate_limit::Attempt,
    ) -> Self {
        Self(Some(InFlight {
            database,
            limits,
            runtime,
            by,
            attempt,
            so_far: SoFar::Unchecked,
        }))
    }

    /// From now on it is one that has failed, unless it is ended otherwise.
    pub(crate) fn counts(mut self) -> Self {
        self.know(SoFar::Failed(None));
        self
    }

    /// Compares the password with the hash, once; `None` is nobody's. What comes of it is known though the client may have
    /// gone away meanwhile: a comparison counts whether anybody hears of it or not. Where there was no place to make it, it
    /// was no attempt.
    pub(crate) async fn check(
        mut self,
        hasher: &Hasher,
        hash: Option<PasswordHash>,
        password: Password,
        judge: impl FnOnce(bool) -> SoFar + Send + 'static,
    ) -> ApiResult<Self> {
        let network = rate_limit::network(self.0.as_ref().and_then(|in_flight| in_flight.by.address));
        let core = match hasher.core(network).await {
            Ok(core) => core,
            Err(error) => {
                self.take_back().await;
                return Err(error.into());
            }
        };
        let checked = hasher.check(core, hash, password, move |right| {
            self.know(judge(right));
            self
        });
        Ok(checked.await?)
    }

    /// Whether the right password was given.
    pub(crate) fn is_right(&self) -> bool {
        let in_flight = self.0.as_ref();
        in_flight.is_some_and(|in_flight| matches!(in_flight.so_far, SoFar::Right(..)))
    }

    /// It has failed, and that is written down before anybody is told.
    pub(crate) async fn fail(mut self) -> ApiResult<()> {
        Ok(self.end().await?)
    }

    /// Somebody is let in: the account's failures are forgotten.
    pub(crate) async fn succeed(mut self) {
        self.know(SoFar::Succeeded);
        self.end_or_later().await;
    }

    /// It was none after all.
    pub(crate) async fn take_back(mut self) {
        self.know(SoFar::Unchecked);
        self.end_or_later().await;
    }

    /// The password is right, and comes to nothing: written down, since whoever tries stolen ones has found one. Neither a
    /// failure nor a sign-in: the failures of others stay, and the network is as unknown as it was.
    pub(crate) async fn refuse(mut self, reason: AuditReason) {
        self.know_why(reason);
        self.end_or_later().await;
    }

    /// What a right password has come to.
    pub(crate) async fn finish<T>(mut self, result: ApiResult<T>) -> ApiResult<T> {
        match &result {
            Ok(_) => self.succeed().await,
            // The database may well be away: nobody is to wait for that again.
            Err(error) if reason(error) == AuditReason::Unavailable => {
                self.know_why(AuditReason::Unavailable)
            }
            Err(error) => self.refuse(reason(error)).await,
        }
        result
    }

    fn know(&mut self, so_far: SoFar) {
        if let Some(in_flight) = &mut self.0 {
            in_flight.so_far = so_far;
        }
    }

    fn know_why(&mut self, why: AuditReason) {
        if let Some(SoFar::Right(_, reason)) = self.0.as_mut().map(|in_flight| &mut in_flight.so_far) {
            *reason = why;
        }
    }

    /// Where it cannot be ended now, it is ended later, when it is dropped.
    async fn end_or_later(&mut self) {
        if let Err(error) = self.end().await {
            tracing::debug!(%error, "an attempt is still in flight");
        }
    }

    async fn end(&mut self) -> DatabaseResult<()> {
        if let Some(in_flight) = &self.0 {
            in_flight.end().await?;
            self.0 = None;
        }
        Ok(())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(in_flight) = self.0.take() {
            let runtime = in_flight.runtime.clone();
            runtime.spawn(in_flight.end_in_time());
        }
    }
}

impl InFlight {
    async fn end(&self) -> DatabaseResult<()> {
        let (outcome, event) = match &self.so_far {
            SoFar::Unchecked => (Outcome::TakenBack, None),
            SoFar::Failed(event) => (Outcome::Failed, event.clone()),
            SoFar::Right(event, reason) => (Outcome::TakenBack, Some(event.clone().reason(*reason))),
            SoFar::Succeeded => (Outcome::Succeeded, None),
        };
        let (by, attempt, limits) = (self.by.clone(), self.attempt.clone(), self.limits.limits());
        let ended = self.database.run(move |connection| {
            rate_limit::end(connection, &by, &attempt, limits, outcome, event.as_ref())
        });
        ended.await?;
        self.limits.ended(&self.attempt);
        Ok(())
    }

    async fn end_in_time(self) {
        for pause in AGAIN_AFTER {
            tokio::time::sleep(pause).await;
            match self.end().await {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "an attempt is still in flight"),
            }
        }
        tracing::warn!("an attempt to sign in counts as failed: the database was away");
    }
}

/// Why a right password has come to nothing.
fn reason(error: &ApiError) -> AuditReason {
    match error {
        ApiError::ScopeNotHeld => AuditReason::ScopeNotHeld,
        ApiError::TooManyTokens => AuditReason::TooManyTokens,
        ApiError::InvalidCredentials
        | ApiError::WrongPassword
        | ApiError::TokenGone
        | ApiError::ChangedMeanwhile => AuditReason::ChangedMeanwhile,
        ApiError::Database(_)
        | ApiError::Hashing(_)
        | ApiError::Unconfirmed(_)
        | ApiError::TokensUnavailable => AuditReason::Unavailable,
        _ => AuditReason::RequestRefused,
    }
}
