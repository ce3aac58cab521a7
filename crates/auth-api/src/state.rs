use crate::Settings;
use crate::acts::Acts;
use crate::delegation::Delegation;
use crate::error::{ApiError, ApiResult};
use crate::hasher::Hasher;
use crate::metrics::RevocationMetrics;
use crate::pages::Pages;
use crate::rate_limit::RateLimits;
use crate::settings::Signup;
use crate::validation::refuse;
use jeton_domain::{AuditContext, BcryptCost, Password, PasswordHash, ScopeSet, Token, TokenPolicy};
use jeton_persistence::rate_limit::{self, Limits};
use jeton_persistence::tokens::{Issue, Refusal};
use jeton_persistence::{Database, DatabaseResult, Pending, PgConnection, Turn};
use jeton_revoker::Barrier;
use jeton_verifier::Verifier;
use std::sync::Arc;
use std::time::Instant;

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) verifier: Verifier,
    barrier: Barrier,
    waits: RevocationMetrics,
    pub(crate) hasher: Hasher,
    pub(crate) rate_limits: RateLimits,
    pub(crate) acts: Acts,
    /// What is written down of tokens that apps were given, and that are revoked.
    pub(crate) given_back: Acts,
    pub(crate) signup: Signup,
    pub(crate) pages: Arc<Pages>,
    pub(crate) delegation: Arc<Delegation>,
    pub(crate) default_scopes: ScopeSet,
    pub(crate) tokens: TokenPolicy,
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
            hasher: Hasher::new(
                settings.passwords.bcrypt_cost,
                highest_cost,
                settings.hashing_queue.0 as usize,
            ),
            rate_limits: RateLimits::new(
                Limits {
                    account: settings.account_failures.0,
                    network: settings.network_limit.network_failures.0,
                },
                settings.http.connections(),
            ),
            acts: Acts::new(settings.user_acts.0),
            given_back: Acts::new(settings.user_acts.0),
            signup: settings.signup,
            delegation: Arc::new(Delegation::new(settings)),
            pages: Arc::new(Pages::new(settings.pages_url.clone(), settings.signup)),
            default_scopes: settings.default_scopes.default_scopes.clone(),
            tokens: TokenPolicy {
                lifetime: settings.tokens.token_ttl,
                idle_timeout: settings.token_idle_ttl,
                user_limit: settings.tokens.tokens_per_user.0,
            },
        }
    }

    /// Hashes a password that somebody chooses, if it may be chosen: `pointer` is where the request has it.
    pub(crate) async fn choose_password(
        &self,
        by: &AuditContext,
        pointer: &str,
        password: Password,
        username: &str,
        email: Option<&str>,
    ) -> ApiResult<PasswordHash> {
        let network = rate_limit::network(by.address);
        let (username, email) = (username.to_owned(), email.map(str::to_owned));
        let hash = self.hasher.choose(network, password, username, email).await?;
        hash.map_err(|refused| refuse(pointer, &refused))
    }

    /// Issues a token, once what gives way to it is accepted nowhere any more, or says why it is refused. Others who
    /// sign in as the same user may take the room that was made: then it is made again, for each of them once.
    pub(crate) async fn issue(
        &self,
        issue: impl Fn(&mut PgConnection) -> DatabaseResult<Pending<Issue>> + Clone + Send + 'static,
    ) -> ApiResult<Result<Token, Refusal>> {
        loop {
            let issued = self.database.run(issue.clone()).await?;
            match self.confirm(issued).await? {
                Issue::Issued(token) => return Ok(Ok(token)),
                Issue::RoomMade => {}
                Issue::Refused(refusal) => return Ok(Err(refusal)),
                Issue::TooMany => return Err(ApiError::TooManyTokens),
            }
        }
    }

    /// Does what revokes something, on a connection that is kept for that, and waits until it holds everywhere.
    pub(crate) async fn revoke<T: Send + 'static>(
        &self,
        by: AuditContext,
        work: impl FnOnce(&mut PgConnection, &AuditContext) -> DatabaseResult<Pending<T>> + Send + 'static,
    ) -> ApiResult<T> {
        let turn = Turn::of(&by);
        let work = move |connection: &mut PgConnection| work(connection, &by);
        self.confirm(self.database.run_reserved(turn, work).await?).await
    }

    /// Waits until no verifier anywhere accepts what was revoked: before any answer that says so.
    pub(crate) async fn confirm<T>(&self, pending: Pending<T>) -> ApiResult<T> {
        let (nothing, started) = (pending.is_settled(), Instant::now());
        let confirmed = self.barrier.confirm(pending).await;
        if !nothing {
            self.waits.note(confirmed.is_ok(), started.elapsed());
        }
        Ok(confirmed?)
    }
}
