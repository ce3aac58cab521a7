//! Whoever gives a password, to sign in, to sign up or to confirm something, is let in here first.

use crate::error::{ApiError, ApiResult};
use crate::hasher::HashingError;
use crate::state::State;
use jeton_domain::AuditContext;
use jeton_persistence::rate_limit::{self, Account, Verdict};
use jeton_persistence::{DatabaseResult, PgConnection};

/// Counts an attempt, before anything is hashed, and reads what it is to be checked against. A full queue is told first:
/// what it turns away is no attempt, and costs the database nothing. A place in it is taken only by who may go on.
pub(crate) async fn admit<T: Send + 'static>(
    state: &State,
    by: &AuditContext,
    account: &Account,
    read: impl FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
) -> ApiResult<T> {
    state.hasher.check_queue(rate_limit::network(by.address))?;
    let (by, account, limits) = (by.clone(), account.clone(), state.limits);
    let admitted = state
        .database
        .run(
            move |connection| match rate_limit::count(connection, &by, &account, limits)? {
                Verdict::Go => read(connection).map(Ok),
                Verdict::Wait(time) => Ok(Err(time)),
            },
        )
        .await?;
    admitted.map_err(ApiError::TooManyAttempts)
}

/// What was hashed for an attempt that was let in. Where that found no place, it was no attempt.
pub(crate) async fn hashed<T, E: Into<ApiError>>(
    state: &State,
    by: &AuditContext,
    account: Account,
    hashing: impl Future<Output = Result<T, E>>,
) -> ApiResult<T> {
    let result = hashing.await.map_err(Into::into);
    if let Err(ApiError::Hashing(HashingError::QueueFull)) = result {
        let by = by.clone();
        state
            .database
            .run(move |connection| rate_limit::take_back(connection, &by, &account))
            .await?;
    }
    result
}
