use crate::bearer::Bearer;
use crate::exchange::Renewal;
use crate::retry::{self, Allowance, Repeat};
use crate::{AuthClientBuilder, ClientError, Credentials, Session, answer};
use jeton_api_types::{IssuedToken, LoginRequest, SecretText, SignUpRequest};
use reqwest::{Client, Method, RequestBuilder, Url};
use std::fmt;
use std::sync::Arc;

/// The auth API, as somebody who is not signed in sees it. Cheap to clone; clones share their connections.
///
/// It follows no redirects, so that a password goes to no other host than the base URL's.
#[derive(Clone)]
pub struct AuthClient(Arc<Inner>);

struct Inner {
    base_url: Url,
    auth: Client,
    services: Client,
    allowance: Allowance,
}

impl AuthClient {
    /// A client of the auth API at a base URL, as `https://auth.example.org` or `http://127.0.0.1:8080`; see
    /// [`AuthClientBuilder`] for the settings it gets.
    ///
    /// # Errors
    /// As [`AuthClientBuilder::build`].
    pub fn new(base_url: &str) -> Result<Self, ClientError> {
        Self::builder(base_url).build()
    }

    /// The same with settings of one's own.
    pub fn builder(base_url: &str) -> AuthClientBuilder {
        AuthClientBuilder::new(base_url)
    }

    pub(crate) fn from_parts(base_url: Url, auth: Client, services: Client, allowance: Allowance) -> Self {
        Self(Arc::new(Inner {
            base_url,
            auth,
            services,
            allowance,
        }))
    }

    /// Creates a user and a first token (`POST /v1/users`). Never repeated: after a 503 the user may exist.
    ///
    /// # Errors
    /// [`ClientError::Problem`] of kind `UsernameTaken`, `Validation` or `SignupClosed`, a 429 with `retry_after`, and what
    /// any call may fail with.
    pub async fn sign_up(&self, request: &SignUpRequest) -> Result<IssuedToken, ClientError> {
        let request = self.request(Method::POST, "v1/users").json(request).build()?;
        let response = retry::send(&self.0.auth, request, Repeat::Never, &mut self.allowance()).await?;
        answer::json(answer::success(response).await?).await
    }

    /// Issues a token for a username and a password (`POST /v1/login`).
    ///
    /// Repeated after a 503 that has a `Retry-After`, which a busy service sends before it has done anything. Should it
    /// have issued a token after all, nobody has its text: it can do no harm, and is listed until it expires, is revoked,
    /// or gives way to another.
    ///
    /// # Errors
    /// [`ClientError::Problem`] of kind `InvalidCredentials`, a 429 with `retry_after`, and what any call may fail with.
    pub async fn login(&self, request: &LoginRequest) -> Result<IssuedToken, ClientError> {
        self.login_within(request, &mut self.allowance()).await
    }

    pub(crate) async fn login_within(
        &self,
        request: &LoginRequest,
        allowance: &mut Allowance,
    ) -> Result<IssuedToken, ClientError> {
        let request = self.request(Method::POST, "v1/login").json(request).build()?;
        let response = retry::send(&self.0.auth, request, Repeat::WhenAsked, allowance).await?;
        answer::json(answer::success(response).await?).await
    }

    /// Signs in. The session keeps the credentials and signs in again when its token is no longer accepted.
    ///
    /// # Errors
    /// As [`AuthClient::login`].
    pub async fn sign_in(&self, credentials: impl Into<Credentials>) -> Result<Session, ClientError> {
        let credentials = credentials.into();
        let issued = self.login(&credentials.0).await?;
        Ok(Session::new(
            self.clone(),
            Bearer::new(issued.token)?,
            Some(Renewal::Password(credentials)),
        ))
    }

    /// Signs up. The session keeps username and password and signs in when its token is no longer accepted.
    ///
    /// # Errors
    /// As [`AuthClient::sign_up`].
    pub async fn sign_up_session(&self, request: &SignUpRequest) -> Result<Session, ClientError> {
        let issued = self.sign_up(request).await?;
        let credentials = Credentials::from(request);
        Ok(Session::new(
            self.clone(),
            Bearer::new(issued.token)?,
            Some(Renewal::Password(credentials)),
        ))
    }

    /// A session with a token that was issued before. It cannot sign in again. Nothing is sent: see [`Session::me`].
    ///
    /// # Errors
    /// [`ClientError::MalformedToken`]
    pub fn session(&self, token: impl Into<SecretText>) -> Result<Session, ClientError> {
        Ok(Session::new(self.clone(), Bearer::new(token.into())?, None))
    }

    /// A request to the auth API.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // The base URL ends in a slash. Should this be no URL, `build` or `send` says so.
        self.0.auth.request(method, format!("{}{path}", self.0.base_url))
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    pub(crate) fn auth(&self) -> &Client {
        &self.0.auth
    }

    pub(crate) fn services(&self) -> &Client {
        &self.0.services
    }

    pub(crate) fn allowance(&self) -> Allowance {
        self.0.allowance
    }
}

impl fmt::Debug for AuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClient")
            .field("base_url", &self.0.base_url.as_str())
            .finish_non_exhaustive()
    }
}
