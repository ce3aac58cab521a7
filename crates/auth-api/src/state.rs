use crate::Settings;
use crate::error::ApiResult;
use crate::hasher::Hasher;
use crate::settings::Signup;
use jeton_domain::{BcryptCost, ScopeSet};
use jeton_persistence::{Database, Revocation};
use jeton_revoker::Barrier;
use jeton_verifier::Verifier;
use std::time::Duration;

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) verifier: Verifier,
    barrier: Barrier,
    pub(crate) hasher: Hasher,
    pub(crate) signup: Signup,
    pub(crate) default_scopes: ScopeSet,
    pub(crate) token_ttl: Option<Duration>,
}

impl State {
    pub(crate) fn new(
        settings: &Settings,
        database: Database,
        verifier: Verifier,
        barrier: Barrier,
        highest_cost: Option<BcryptCost>,
    ) -> Self {
        Self {
            database,
            verifier,
            barrier,
            hasher: Hasher::new(settings.bcrypt_cost, highest_cost, settings.hashing_queue),
            signup: settings.signup,
            default_scopes: settings.default_scopes.clone(),
            token_ttl: settings.token_ttl.0,
        }
    }

    /// Waits until no verifier anywhere accepts what was revoked: before any answer that says so.
    pub(crate) async fn confirm<T>(&self, (outcome, revocation): (T, Revocation)) -> ApiResult<T> {
        self.barrier.wait(revocation).await?;
        Ok(outcome)
    }
}
