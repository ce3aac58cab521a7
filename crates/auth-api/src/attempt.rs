//! Whoever gives a password, to sign in, to sign up or to confirm something, is let in here first.

use crate::error::{ApiError, ApiResult};
use crate::hasher::Place;
use crate::state::State;
use jeton_domain::Initiator;
use jeton_persistence::attempts::{self, Account, Verdict};
use jeton_persistence::{DatabaseResult, PgConnection};

/// Counts an attempt, before anything is hashed, and reads what it is to be checked against. A full queue is told first:
/// what it turns away is no attempt.
pub(crate) async fn admit<T: Send + 'static>(
    state: &State,
    by: &Initiator,
    account: Account,
    read: impl FnOnce(&mut PgConnection) -> DatabaseResult<T> + Send + 'static,
) -> ApiResult<(Place, T)> {
    let place = state.hasher.place()?;
    let (by, limits) = (by.clone(), state.limits);
    let admitted = state
        .database
        .run(
            move |connection| match attempts::count(connection, &by, &account, limits)? {
                Verdict::Go => read(connection).map(Ok),
                Verdict::Wait(time) => Ok(Err(time)),
            },
        )
        .await?;
    let found = admitted.map_err(ApiError::TooManyAttempts)?;
    Ok((place, found))
}
