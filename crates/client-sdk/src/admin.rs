use crate::{ClientError, Clients, Session, answer};
use jeton_api_types::{
    AuditEventList, AuditQuery, CreateTokenRequest, CreateUserRequest, IssuedToken, LogoutAllResponse,
    NetworkLimitList, SecretText, SetPasswordRequest, SetScopesRequest, TokenList, UnblockNetworkRequest,
    UpdateUserRequest, UserInfo, UserList, UserQuery, VerifierList,
};
use reqwest::Method;
use uuid::Uuid;

/// Everybody's users and tokens, and what happened to them; made by [`Session::admin`]. Needs a token with the scope
/// `admin`, of either kind: without, every call gets a [`ClientError::Problem`] of kind `InsufficientScope`.
///
/// Every call may fail as any of a [`Session`], and with kind `NotFound` where there is no such user or token. What takes
/// something away returns once that holds everywhere. All calls but [`create_user`](Self::create_user) and
/// [`create_token`](Self::create_token) are repeated after a 503.
#[derive(Debug, Clone, Copy)]
pub struct Admin<'a>(&'a Session);

impl<'a> Admin<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        Self(session)
    }

    /// One page of the users that all of the query is true of, newest first (`GET /v1/admin/users`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn users(
        &self,
        query: &UserQuery,
        limit: Option<u32>,
        after: Option<Uuid>,
    ) -> Result<UserList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/admin/users")
            .query(query)
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }

    /// Creates a user or a service account (`POST /v1/admin/users`). Not repeated: after a 503 the user may exist.
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `UsernameTaken` or `Validation`.
    pub async fn create_user(&self, request: &CreateUserRequest) -> Result<UserInfo, ClientError> {
        let request = self.0.auth_request(Method::POST, "v1/admin/users").json(request);
        answer::json(self.0.call(request).await?).await
    }

    /// One user (`GET /v1/admin/users/{id}`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn user(&self, id: Uuid) -> Result<UserInfo, ClientError> {
        let request = self.0.auth_request(Method::GET, &user(id, ""));
        answer::json(self.0.call(request).await?).await
    }

    /// Gives the user another name or e-mail address (`PATCH /v1/admin/users/{id}`); what is `None` stays, and so do the
    /// user's tokens.
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `UsernameTaken` or `Validation`.
    pub async fn update_user(&self, id: Uuid, changes: &UpdateUserRequest) -> Result<UserInfo, ClientError> {
        let request = self.0.auth_request(Method::PATCH, &user(id, ""));
        answer::json(self.0.call_idempotent(request.json(changes)).await?).await
    }

    /// Sets what the user's tokens may do at the most (`PUT /v1/admin/users/{id}/scopes`).
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `LastAdmin` or `Validation`.
    pub async fn set_scopes(&self, id: Uuid, scopes: &[&str]) -> Result<UserInfo, ClientError> {
        let body = SetScopesRequest {
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        let request = self.0.auth_request(Method::PUT, &user(id, "/scopes"));
        answer::json(self.0.call(request.json(&body)).await?).await
    }

    /// Keeps the user out, tokens and all (`POST /v1/admin/users/{id}/disable`).
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `LastAdmin`.
    pub async fn disable(&self, id: Uuid) -> Result<UserInfo, ClientError> {
        let request = self.0.auth_request(Method::POST, &user(id, "/disable"));
        answer::json(self.0.call_idempotent(request).await?).await
    }

    /// Lets the user in again, with the tokens from before (`POST /v1/admin/users/{id}/enable`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn enable(&self, id: Uuid) -> Result<UserInfo, ClientError> {
        let request = self.0.auth_request(Method::POST, &user(id, "/enable"));
        answer::json(self.0.call_idempotent(request).await?).await
    }

    /// Forgets the failed sign-ins to the user's account, so that the next is let through at once
    /// (`POST /v1/admin/users/{id}/unblock`). None is from a network that too many have failed from: see
    /// [`unblock_network`](Self::unblock_network).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn unblock(&self, id: Uuid) -> Result<(), ClientError> {
        let request = self.0.auth_request(Method::POST, &user(id, "/unblock"));
        self.0.call_idempotent(request).await.map(drop)
    }

    /// Gives the user a password and revokes all the user's tokens (`PUT /v1/admin/users/{id}/password`).
    /// `allow_sign_in` turns a service account into a user who can sign in.
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `ServiceAccount` or `Validation`.
    pub async fn set_password(
        &self,
        id: Uuid,
        password: impl Into<SecretText>,
        allow_sign_in: bool,
    ) -> Result<(), ClientError> {
        let body = SetPasswordRequest {
            password: password.into(),
            allow_sign_in,
        };
        let request = self.0.auth_request(Method::PUT, &user(id, "/password"));
        self.0.call(request.json(&body)).await.map(drop)
    }

    /// Deletes a user with all tokens (`DELETE /v1/admin/users/{id}`). If a first request that was answered 503 had an
    /// effect, the second is a `NotFound`.
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `LastAdmin`.
    pub async fn delete_user(&self, id: Uuid) -> Result<(), ClientError> {
        let request = self.0.auth_request(Method::DELETE, &user(id, ""));
        self.0.call(request).await.map(drop)
    }

    /// One page of a user's tokens, newest first (`GET /v1/admin/users/{id}/tokens`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn tokens(
        &self,
        id: Uuid,
        limit: Option<u32>,
        after: Option<Uuid>,
    ) -> Result<TokenList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, &user(id, "/tokens"))
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }

    /// Issues a token to a service account (`POST /v1/admin/users/{id}/tokens`). Not repeated after a 503, which may
    /// leave a token that nobody knows.
    ///
    /// # Errors
    /// See [`Admin`]; [`ClientError::Problem`] of kind `NotAServiceAccount`, `UserDisabled`, `ScopeNotHeld`,
    /// `TooManyTokens` or `Validation`.
    pub async fn create_token(
        &self,
        id: Uuid,
        request: &CreateTokenRequest,
    ) -> Result<IssuedToken, ClientError> {
        let request = self
            .0
            .auth_request(Method::POST, &user(id, "/tokens"))
            .json(request);
        answer::json(self.0.call(request).await?).await
    }

    /// Revokes one of a user's tokens (`DELETE /v1/admin/users/{id}/tokens/{token}`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn revoke_token(&self, id: Uuid, token: Uuid) -> Result<(), ClientError> {
        let request = self
            .0
            .auth_request(Method::DELETE, &user(id, &format!("/tokens/{token}")));
        self.0.call(request).await.map(drop)
    }

    /// Revokes all of a user's tokens and tells how many (`DELETE /v1/admin/users/{id}/tokens`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn revoke_tokens(&self, id: Uuid) -> Result<u64, ClientError> {
        let request = self.0.auth_request(Method::DELETE, &user(id, "/tokens"));
        let answer: LogoutAllResponse = answer::json(self.0.call(request).await?).await?;
        Ok(answer.revoked)
    }

    /// The networks that failed sign-ins count for, those that most counts for first (`GET /v1/admin/networks`); at most
    /// 50, unless it is said, and no more than 100.
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn networks(&self, limit: Option<u32>) -> Result<NetworkLimitList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/admin/networks")
            .query(&[("limit", limit)]);
        answer::json(self.0.call(request).await?).await
    }

    /// Forgets the failed sign-ins from the network that the address is in, or from one as [`networks`](Self::networks) lists
    /// it, so that the next is let through at once (`POST /v1/admin/networks/unblock`). Not those to accounts: see [`unblock`](Self::unblock).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn unblock_network(&self, address: &str) -> Result<(), ClientError> {
        let address = address.to_owned();
        let body = UnblockNetworkRequest { address };
        let request = self.0.auth_request(Method::POST, "v1/admin/networks/unblock");
        self.0.call_idempotent(request.json(&body)).await.map(drop)
    }

    /// Clients, and the scopes that users may give them.
    #[must_use]
    pub fn clients(&self) -> Clients<'a> {
        Clients::new(self.0)
    }

    /// One page of what happened, newest first (`GET /v1/admin/audit-events`): the events that all of the query is true
    /// of.
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn audit_events(
        &self,
        query: &AuditQuery,
        limit: Option<u32>,
        after: Option<&str>,
    ) -> Result<AuditEventList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/admin/audit-events")
            .query(query)
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }

    /// One page of the services that may check tokens from memory, newest first (`GET /v1/admin/verifiers`).
    ///
    /// # Errors
    /// See [`Admin`].
    pub async fn verifiers(
        &self,
        limit: Option<u32>,
        after: Option<Uuid>,
    ) -> Result<VerifierList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/admin/verifiers")
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }
}

fn user(id: Uuid, rest: &str) -> String {
    format!("v1/admin/users/{id}{rest}")
}
