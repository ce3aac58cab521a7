use crate::bearer::Bearer;
use crate::challenge::says_invalid_token;
use crate::retry::{Allowance, Repeat, send};
use crate::{App, AuthClient, ClientError, Credentials};
use jeton_api_types::{ProblemKind, SecretText};
use reqwest::{Client, Request, Response, StatusCode, Url};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, MutexGuard};

/// What a token that is no longer accepted is replaced by.
pub(crate) enum Renewal {
    /// Signing in.
    Password(Credentials),
    /// Of a user who has allowed it, by the refresh token.
    Refresh(App, SecretText),
    /// A program for itself, for these scopes.
    ClientCredentials(App, String),
}

impl Renewal {
    /// Another token. Where that goes with another refresh token, it is known from then on.
    pub(crate) async fn renew(
        &mut self,
        client: &AuthClient,
        allowance: &mut Allowance,
    ) -> Result<Bearer, ClientError> {
        let token = match self {
            Self::Password(credentials) => client.login_within(&credentials.0, allowance).await?.token,
            Self::Refresh(app, refresh_token) => {
                let response = app.refresh(refresh_token, allowance).await?;
                if let Some(next) = response.refresh_token {
                    *refresh_token = next;
                }
                response.access_token
            }
            Self::ClientCredentials(app, scopes) => {
                let parameters = [("grant_type", "client_credentials"), ("scope", scopes)];
                app.token(&parameters, Repeat::WhenAsked, allowance)
                    .await?
                    .access_token
            }
        };
        Bearer::new(token)
    }

    /// Whether it is of no use any more. A wrong password sent again with every request would lock its owner out.
    fn is_spent(error: &ClientError) -> bool {
        error.kind() == Some(ProblemKind::InvalidCredentials) || error.oauth() == Some("invalid_grant")
    }
}

/// A token that is replaced when it is no longer accepted.
pub(crate) struct Exchange {
    pub(crate) client: AuthClient,
    bearer: RwLock<Arc<Bearer>>,
    /// Whoever signs in holds this lock, so that of many requests whose token was refused only one does.
    credentials: Mutex<Option<Renewal>>,
    /// How many sign-ins have failed: those who waited for one need not fail again each on their own.
    failures: AtomicU64,
}

impl Exchange {
    pub(crate) fn new(client: AuthClient, bearer: Bearer, credentials: Option<Renewal>) -> Self {
        Self {
            client,
            bearer: RwLock::new(Arc::new(bearer)),
            credentials: Mutex::new(credentials),
            failures: AtomicU64::new(0),
        }
    }

    pub(crate) fn bearer(&self) -> Arc<Bearer> {
        Arc::clone(&self.bearer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The credentials; nobody else signs in while they are held.
    pub(crate) async fn credentials(&self) -> MutexGuard<'_, Option<Renewal>> {
        self.credentials.lock().await
    }

    /// Sends a request with the token. When the token is refused, signs in again and repeats the request, both once.
    pub(crate) async fn run(
        &self,
        http: &Client,
        request: Request,
        repeat: Repeat,
    ) -> Result<Response, ClientError> {
        let mut allowance = self.client.allowance();
        let (url, spare) = (request.url().clone(), request.try_clone());
        let bearer = self.bearer();
        let response = send(http, bearer.on(request), repeat, &mut allowance).await?;
        if !refuses_token(&response, &url) {
            return Ok(response);
        }
        let fresh = self.renew_in_turn(&bearer, &mut allowance).await?;
        match (fresh, spare) {
            (Some(fresh), Some(spare)) => send(http, fresh.on(spare), repeat, &mut allowance).await,
            // No credentials; or the body was a stream and only the caller has another.
            _ => Ok(response),
        }
    }

    /// The same to the auth API, by somebody who holds the credentials. Not repeated after a 503: these are the calls
    /// that change what the credentials are good for, and a second one would fail if the first had an effect.
    pub(crate) async fn run_holding(
        &self,
        credentials: &mut Option<Renewal>,
        request: Request,
    ) -> Result<Response, ClientError> {
        let mut allowance = self.client.allowance();
        let http = self.client.auth();
        let (url, spare) = (request.url().clone(), request.try_clone());
        let bearer = self.bearer();
        let response = send(http, bearer.on(request), Repeat::Never, &mut allowance).await?;
        if !refuses_token(&response, &url) {
            return Ok(response);
        }
        match (self.renew(credentials, &bearer, &mut allowance).await?, spare) {
            (Some(fresh), Some(spare)) => send(http, fresh.on(spare), Repeat::Never, &mut allowance).await,
            _ => Ok(response),
        }
    }

    /// Waits for whoever is signing in at the moment, then renews what is left to renew.
    async fn renew_in_turn(
        &self,
        refused: &Arc<Bearer>,
        allowance: &mut Allowance,
    ) -> Result<Option<Arc<Bearer>>, ClientError> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut credentials = self.credentials().await;
        let failed_meanwhile = self.failures.load(Ordering::Acquire) != failures;
        if failed_meanwhile && Arc::ptr_eq(&self.bearer(), refused) {
            return Ok(None);
        }
        self.renew(&mut credentials, refused, allowance).await
    }

    /// A token other than the refused one: the current one if it is another by now, else a new one.
    async fn renew(
        &self,
        credentials: &mut Option<Renewal>,
        refused: &Arc<Bearer>,
        allowance: &mut Allowance,
    ) -> Result<Option<Arc<Bearer>>, ClientError> {
        let current = self.bearer();
        if !Arc::ptr_eq(&current, refused) {
            return Ok(Some(current));
        }
        let Some(known) = credentials.as_mut() else {
            return Ok(None);
        };
        match known.renew(&self.client, allowance).await {
            Ok(bearer) => {
                let fresh = Arc::new(bearer);
                *self.bearer.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
                Ok(Some(fresh))
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::AcqRel);
                if Renewal::is_spent(&error) {
                    *credentials = None;
                }
                Err(error)
            }
        }
    }
}

/// Whether an answer says that the token is not valid, and comes from where the token was sent: after a redirect to
/// another host the request went on without it.
pub(crate) fn refuses_token(response: &Response, asked: &Url) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && says_invalid_token(response.headers())
        && response.url().origin() == asked.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// With credentials, and an auth API that nobody can reach.
    fn exchange() -> Exchange {
        let client = AuthClient::new("http://127.0.0.1:1").unwrap();
        let bearer = Bearer::new("jtn_old".into()).unwrap();
        Exchange::new(
            client,
            bearer,
            Some(Renewal::Password(Credentials::new("ada", "secret"))),
        )
    }

    #[tokio::test]
    async fn a_request_that_waited_for_a_sign_in_that_failed_does_not_sign_in() {
        let exchange = exchange();
        let refused = exchange.bearer();
        let (mut first, mut second) = (Allowance::default(), Allowance::default());

        let holder = exchange.credentials().await;
        let mut waiting = pin!(exchange.renew_in_turn(&refused, &mut first));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        exchange.failures.fetch_add(1, Ordering::AcqRel);
        drop(holder);
        assert!(matches!(waiting.await, Ok(None)));

        // Who comes later does.
        let later = exchange.renew_in_turn(&refused, &mut second).await;
        assert!(matches!(later, Err(ClientError::Transport(_))));
    }
}
