use crate::bearer::Bearer;
use crate::exchange::{Exchange, Renewal, refuses_token};
use crate::retry::{Repeat, send};
use crate::{Admin, AuthClient, ClientError, ServiceRequest, Tokens, Verified, answer};
use jeton_api_types::{
    Account, ChangePasswordRequest, DeleteAccountRequest, ExposeSecret, Introspection, LogoutAllResponse,
    MeResponse, PresentedToken, RenewTokenRequest, RenewedToken, SecretText, UpdateAccountRequest,
    UpdateUserRequest,
};
use reqwest::{IntoUrl, Method, RequestBuilder, Response};
use std::fmt;
use std::sync::Arc;

/// Somebody who is signed in: sends the token to services, and manages the account. Cheap to clone; clones share the
/// token.
///
/// When a service no longer accepts the token (401 with `error="invalid_token"`, [RFC 6750 §3.1]) and credentials were
/// given, the session signs in again once and repeats the request. However many requests find out at the same time, one
/// of them signs in. If that fails, one of them returns why and the others their 401; credentials that the auth API
/// refuses are forgotten, and so are those of a user who logs out or deletes the account.
///
/// Dropping a session does not log out.
///
/// Every call may fail with [`ClientError::Problem`] or [`ClientError::Status`] as the service answers, with
/// [`ClientError::Transport`] where it does not, and as [`AuthClient::login`] where the token had to be renewed.
///
/// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
#[derive(Clone)]
pub struct Session(Arc<Exchange>);

impl Session {
    pub(crate) fn new(client: AuthClient, bearer: Bearer, renewal: Option<Renewal>) -> Self {
        Self(Arc::new(Exchange::new(client, bearer, renewal)))
    }

    /// The client that the session was made by.
    #[must_use]
    pub fn client(&self) -> &AuthClient {
        &self.0.client
    }

    /// The current token, to keep it for [`AuthClient::session`].
    #[must_use]
    pub fn token(&self) -> SecretText {
        self.0.bearer().token()
    }

    /// The current refresh token of an app that acts for a user, to keep it for [`App::session`](crate::App::session); waits for
    /// one that is being replaced. `None` where there is none. It changes with the token: keep both, and keep them anew when
    /// the token has changed.
    pub async fn refresh_token(&self) -> Option<SecretText> {
        match self.0.credentials().await.as_ref() {
            Some(Renewal::Refresh(_, token)) => Some(SecretText::from(token.expose_secret())),
            _ => None,
        }
    }

    /// Who is signed in, and with which token (`GET /v1/me`).
    ///
    /// # Errors
    /// As any call of a session.
    pub async fn me(&self) -> Result<MeResponse, ClientError> {
        answer::json(self.call(self.auth_request(Method::GET, "v1/me")).await?).await
    }

    /// Revokes the token (`POST /v1/logout`) and forgets the credentials: requests made later are refused. Of an app, what the
    /// user has allowed it here ends, by its refresh token (`POST /v1/revoke`).
    ///
    /// A token that the auth API no longer knows is gone already, which is what was wanted: that is no error. Repeated
    /// after a 503, since logging out twice is the same as once.
    ///
    /// # Errors
    /// As any call of a session. The token may then still be valid, and the session is as it was before: try again.
    pub async fn logout(&self) -> Result<(), ClientError> {
        let mut credentials = self.0.credentials().await;
        if let Some(Renewal::Refresh(app, refresh_token)) = credentials.as_ref() {
            app.revoke(refresh_token).await?;
            *credentials = None;
            return Ok(());
        }
        let client = self.client();
        let request = self.auth_request(Method::POST, "v1/logout").build()?;
        let url = request.url().clone();
        let request = self.0.bearer().on(request);
        let response = send(client.auth(), request, Repeat::Always, &mut client.allowance()).await?;
        if !refuses_token(&response, &url) {
            answer::success(response).await?;
        }
        *credentials = None;
        Ok(())
    }

    /// Revokes all of the user's tokens, this one too (`POST /v1/logout-all`), tells how many, and forgets the
    /// credentials. Not repeated after a 503.
    ///
    /// # Errors
    /// As any call of a session.
    pub async fn logout_all(&self) -> Result<u64, ClientError> {
        let mut credentials = self.0.credentials().await;
        let request = self.auth_request(Method::POST, "v1/logout-all").build()?;
        let response = answer::success(self.0.run_holding(&mut credentials, request).await?).await?;
        *credentials = None;
        let answer: LogoutAllResponse = answer::json(response).await?;
        Ok(answer.revoked)
    }

    /// Changes the password (`PUT /v1/me/password`), which revokes all of the user's other tokens. A session with
    /// credentials uses the new password from then on. Not repeated after a 503: if the first request had an effect,
    /// the current password of the second would be wrong.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `WrongPassword` or `Validation`.
    pub async fn change_password(
        &self,
        current_password: impl Into<SecretText>,
        new_password: impl Into<SecretText>,
    ) -> Result<(), ClientError> {
        let body = ChangePasswordRequest {
            current_password: current_password.into(),
            new_password: new_password.into(),
        };
        let mut credentials = self.0.credentials().await;
        let request = self
            .auth_request(Method::PUT, "v1/me/password")
            .json(&body)
            .build()?;
        answer::success(self.0.run_holding(&mut credentials, request).await?).await?;
        if let Some(Renewal::Password(credentials)) = credentials.as_mut() {
            credentials.0.password = SecretText::from(body.new_password.expose_secret());
        }
        Ok(())
    }

    /// Gives the user another name or e-mail address (`PATCH /v1/me`); what is `None` stays, and so do the tokens. A
    /// session with credentials uses the new name from then on. Not repeated after a 503.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `WrongPassword`, `UsernameTaken` or `Validation`.
    pub async fn update_account(
        &self,
        password: impl Into<SecretText>,
        changes: &UpdateUserRequest,
    ) -> Result<Account, ClientError> {
        let body = UpdateAccountRequest {
            password: password.into(),
            username: changes.username.clone(),
            email: changes.email.clone(),
        };
        let mut credentials = self.0.credentials().await;
        let request = self.auth_request(Method::PATCH, "v1/me").json(&body).build()?;
        let response = answer::success(self.0.run_holding(&mut credentials, request).await?).await?;
        let account: Account = answer::json(response).await?;
        if let Some(Renewal::Password(credentials)) = credentials.as_mut() {
            credentials.0.username.clone_from(&account.username);
        }
        Ok(account)
    }

    /// Deletes the user and all tokens (`DELETE /v1/me`), and forgets the credentials. Not repeated after a 503.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `WrongPassword`.
    pub async fn delete_account(&self, password: impl Into<SecretText>) -> Result<(), ClientError> {
        let body = DeleteAccountRequest {
            password: password.into(),
        };
        let mut credentials = self.0.credentials().await;
        let request = self.auth_request(Method::DELETE, "v1/me").json(&body).build()?;
        answer::success(self.0.run_holding(&mut credentials, request).await?).await?;
        *credentials = None;
        Ok(())
    }

    /// Asks about a token that somebody else has sent (`POST /v1/introspect`, RFC 7662); needs the scope
    /// `tokens:introspect`. A token that is not valid is an answer, not an error. Repeated after a 503.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `InsufficientScope`.
    pub async fn introspect(&self, token: impl Into<SecretText>) -> Result<Introspection, ClientError> {
        answer::json(self.present("v1/introspect", token.into()).await?).await
    }

    /// Revokes a token by its text (`POST /v1/revoke`, RFC 7009): one of the same user's, or, with the scope
    /// `tokens:revoke`, anybody's. When this returns, no service accepts it any more; one that is unknown is as good as
    /// revoked. Repeated after a 503.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `InsufficientScope` for somebody else's token.
    pub async fn revoke_token(&self, token: impl Into<SecretText>) -> Result<(), ClientError> {
        self.present("v1/revoke", token.into()).await.map(drop)
    }

    /// A token in place of this session's, for a service account (`POST /v1/token/renew`). The one that this session has
    /// ends after `old_expires_in` seconds, after a minute where nothing is said, or at once; this session does not change:
    /// keep the new one, and make another of it by [`AuthClient::session`]. Not repeated after a 503, which may leave a
    /// token that nobody knows.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `NotAServiceAccount`, `TooManyTokens`, or
    /// `TooManyAttempts`.
    pub async fn renew_token(&self, old_expires_in: Option<u64>) -> Result<RenewedToken, ClientError> {
        let request = self.auth_request(Method::POST, "v1/token/renew");
        let body = RenewTokenRequest { old_expires_in };
        answer::json(self.call(request.json(&body)).await?).await
    }

    async fn present(&self, path: &str, token: SecretText) -> Result<Response, ClientError> {
        let request = self.auth_request(Method::POST, path);
        self.call_idempotent(request.form(&PresentedToken { token }))
            .await
    }

    /// Whether this session's token is valid and has these scopes, and whose it is (`GET /v1/verify`), which the auth API
    /// answers from memory. For services that can reach the auth API and not its database:
    /// [`AuthClient::session`] with the token that was sent to them, and this.
    ///
    /// # Errors
    /// As any call of a session; [`ClientError::Problem`] of kind `InsufficientScope`.
    pub async fn verify(&self, scopes: &[&str]) -> Result<Verified, ClientError> {
        self.verify_at(None, scopes).await
    }

    /// As [`verify`](Self::verify), for a service that is this resource
    /// ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)): the tokens as well that are for it alone are valid. The resource
    /// is an absolute URI, compared byte by byte with what the token was issued for.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn verify_for(&self, resource: &str, scopes: &[&str]) -> Result<Verified, ClientError> {
        self.verify_at(Some(resource), scopes).await
    }

    async fn verify_at(&self, resource: Option<&str>, scopes: &[&str]) -> Result<Verified, ClientError> {
        let scopes = scopes.iter().map(|scope| ("scope", *scope));
        let resource = resource.map(|resource| ("resource", resource));
        let required: Vec<_> = scopes.chain(resource).collect();
        let request = self.auth_request(Method::GET, "v1/verify").query(&required);
        Verified::read(&self.call(request).await?)
    }

    /// The user's tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens::new(self)
    }

    /// Everybody's users and tokens, for administrators.
    #[must_use]
    pub fn admin(&self) -> Admin<'_> {
        Admin::new(self)
    }

    /// A `GET` to a service; see [`Session::request`].
    pub fn get(&self, url: impl IntoUrl) -> ServiceRequest {
        self.request(Method::GET, url)
    }

    /// A `POST` to a service; see [`Session::request`].
    pub fn post(&self, url: impl IntoUrl) -> ServiceRequest {
        self.request(Method::POST, url)
    }

    /// A `PUT` to a service; see [`Session::request`].
    pub fn put(&self, url: impl IntoUrl) -> ServiceRequest {
        self.request(Method::PUT, url)
    }

    /// A `PATCH` to a service; see [`Session::request`].
    pub fn patch(&self, url: impl IntoUrl) -> ServiceRequest {
        self.request(Method::PATCH, url)
    }

    /// A `DELETE` to a service; see [`Session::request`].
    pub fn delete(&self, url: impl IntoUrl) -> ServiceRequest {
        self.request(Method::DELETE, url)
    }

    /// A request to a service that accepts the token. The token goes to whatever host the URL names, over plain HTTP
    /// too: name only services that may act for the user. On redirects it goes along to the same scheme, host and port
    /// only.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> ServiceRequest {
        ServiceRequest::new(Arc::clone(&self.0), self.client().services().request(method, url))
    }

    pub(crate) fn auth_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client().request(method, path)
    }

    /// A call of the auth API, repeated as its method allows.
    pub(crate) async fn call(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let request = request.build()?;
        let repeat = Repeat::by_method(request.method());
        answer::success(self.0.run(self.client().auth(), request, repeat).await?).await
    }

    /// A call of the auth API that may be repeated whatever its method is: twice is as good as once.
    pub(crate) async fn call_idempotent(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let request = request.build()?;
        let response = self.0.run(self.client().auth(), request, Repeat::Always).await?;
        answer::success(response).await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client", self.client())
            .finish_non_exhaustive()
    }
}
