use crate::Settings;
use crate::error::{ApiError, ApiResult};
use crate::hasher::Hasher;
use crate::metrics::RevocationMetrics;
use crate::settings::Signup;
use jeton_domain::{BcryptCost, ScopeSet, Token};
use jeton_persistence::attempts::Limits;
use jeton_persistence::tokens::Issue;
use jeton_persistence::{Database, Revocation};
use jeton_revoker::Barrier;
use jeton_verifier::Verifier;
use std::time::{Duration, Instant};

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) verifier: Verifier,
    barrier: Barrier,
    waits: RevocationMetrics,
    pub(crate) hasher: Hasher,
    pub(crate) limits: Limits,
    pub(crate) signup: Signup,
    pub(crate) default_scopes: ScopeSet,
    pub(crate) token_ttl: Option<Duration>,
    pub(crate) token_idle_ttl: Option<Duration>,
    pub(crate) tokens_per_user: u32,
}

impl State {
    pub(crate) fn new(
        settings: &Settings,
        database: Database,
        verifier: Verifier,
        barrier: Barrier,
        waits: RevocationMetrics,
        highest_cost: Option<BcryptCost>,
    ) -> Self {
        Self {
            database,
            verifier,
            barrier,
            waits,
            hasher: Hasher::new(settings.bcrypt_cost, highest_cost, settings.hashing_queue),
            limits: Limits {
                account: settings.account_failures,
                network: settings.network_failures,
            },
            signup: settings.signup,
            default_scopes: settings.default_scopes.clone(),
            token_ttl: settings.token_ttl.0,
            token_idle_ttl: settings.token_idle_ttl.0,
            tokens_per_user: settings.tokens_per_user,
        }
    }

    /// The token that was asked for, once what gave way to it is accepted nowhere any more. `refused` is why there is
    /// none, where the user may have another.
    pub(crate) async fn issued(&self, issue: (Issue, Revocation), refused: ApiError) -> ApiResult<Token> {
        match self.confirm(issue).await? {
            Issue::Issued(token) => Ok(token),
            Issue::Refused => Err(refused),
            Issue::TooMany => Err(ApiError::TooManyTokens),
        }
    }

    /// Waits until no verifier anywhere accepts what was revoked: before any answer that says so.
    pub(crate) async fn confirm<T>(&self, (outcome, revocation): (T, Revocation)) -> ApiResult<T> {
        if !revocation.xids.is_empty() {
            let started = Instant::now();
            let waited = self.barrier.wait(revocation).await;
            self.waits.note(waited.is_ok(), started.elapsed());
            waited?;
        }
        Ok(outcome)
    }
}
