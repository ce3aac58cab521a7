use crate::{ClientError, Session, answer};
use jeton_api_types::{
    ClientInfo, ClientList, ClientWithSecret, CreateClientRequest, DelegableScopeInfo, DelegableScopeList,
    DelegableScopeQuery, SetDelegableScopeRequest, SetRedirectUrisRequest, SetScopesRequest,
};
use reqwest::Method;
use uuid::Uuid;

/// The clients of OAuth, and the scopes that users may give them; made by [`Admin::clients`](crate::Admin::clients).
///
/// Every call may fail as any of an [`Admin`](crate::Admin), and with kind `NotFound` where there is no such client or scope.
/// What takes something away returns once that holds everywhere. All calls but [`create`](Self::create) and
/// [`rotate_secret`](Self::rotate_secret) are repeated after a 503.
#[derive(Debug, Clone, Copy)]
pub struct Clients<'a>(&'a Session);

impl<'a> Clients<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        Self(session)
    }

    /// One page of them, newest first (`GET /v1/admin/clients`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn list(&self, limit: Option<u32>, after: Option<Uuid>) -> Result<ClientList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/admin/clients")
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }

    /// Creates one (`POST /v1/admin/clients`). Not repeated: after a 503 the client may exist.
    ///
    /// # Errors
    /// See [`Clients`]; [`ClientError::Problem`] of kind `ClientNameTaken` or `Validation`.
    pub async fn create(&self, request: &CreateClientRequest) -> Result<ClientWithSecret, ClientError> {
        let request = self
            .0
            .auth_request(Method::POST, "v1/admin/clients")
            .json(request);
        answer::json(self.0.call(request).await?).await
    }

    /// One of them (`GET /v1/admin/clients/{id}`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn get(&self, id: Uuid) -> Result<ClientInfo, ClientError> {
        let request = self.0.auth_request(Method::GET, &client(id, ""));
        answer::json(self.0.call(request).await?).await
    }

    /// Sets what the client's tokens may do at the most (`PUT /v1/admin/clients/{id}/scopes`).
    ///
    /// # Errors
    /// See [`Clients`]; [`ClientError::Problem`] of kind `Validation`.
    pub async fn set_scopes(&self, id: Uuid, scopes: &[&str]) -> Result<ClientInfo, ClientError> {
        let body = SetScopesRequest {
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        let request = self.0.auth_request(Method::PUT, &client(id, "/scopes"));
        answer::json(self.0.call(request.json(&body)).await?).await
    }

    /// Sets where the client may have users sent back to (`PUT /v1/admin/clients/{id}/redirect-uris`).
    ///
    /// # Errors
    /// See [`Clients`]; [`ClientError::Problem`] of kind `Validation`.
    pub async fn set_redirect_uris(&self, id: Uuid, uris: &[&str]) -> Result<ClientInfo, ClientError> {
        let body = SetRedirectUrisRequest {
            redirect_uris: uris.iter().map(|&uri| uri.to_owned()).collect(),
        };
        let request = self.0.auth_request(Method::PUT, &client(id, "/redirect-uris"));
        answer::json(self.0.call(request.json(&body)).await?).await
    }

    /// Gives a confidential client another secret (`POST /v1/admin/clients/{id}/rotate-secret`). Not repeated: after a 503
    /// the one before may be wrong.
    ///
    /// # Errors
    /// See [`Clients`]; [`ClientError::Problem`] of kind `PublicClient`.
    pub async fn rotate_secret(&self, id: Uuid) -> Result<ClientWithSecret, ClientError> {
        let request = self.0.auth_request(Method::POST, &client(id, "/rotate-secret"));
        answer::json(self.0.call(request).await?).await
    }

    /// Keeps the client out, tokens and all (`POST /v1/admin/clients/{id}/disable`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn disable(&self, id: Uuid) -> Result<ClientInfo, ClientError> {
        let request = self.0.auth_request(Method::POST, &client(id, "/disable"));
        answer::json(self.0.call_idempotent(request).await?).await
    }

    /// Lets the client in again, without the access tokens from before (`POST /v1/admin/clients/{id}/enable`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn enable(&self, id: Uuid) -> Result<ClientInfo, ClientError> {
        let request = self.0.auth_request(Method::POST, &client(id, "/enable"));
        answer::json(self.0.call_idempotent(request).await?).await
    }

    /// Deletes the client, with all that users have granted it (`DELETE /v1/admin/clients/{id}`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn delete(&self, id: Uuid) -> Result<(), ClientError> {
        let request = self.0.auth_request(Method::DELETE, &client(id, ""));
        self.0.call(request).await.map(drop)
    }

    /// The scopes that users may give to clients (`GET /v1/admin/delegable-scopes`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn delegable_scopes(&self) -> Result<Vec<DelegableScopeInfo>, ClientError> {
        let request = self.0.auth_request(Method::GET, "v1/admin/delegable-scopes");
        let list: DelegableScopeList = answer::json(self.0.call(request).await?).await?;
        Ok(list.scopes)
    }

    /// Lets users give a scope to clients, or says other words of it (`PUT /v1/admin/delegable-scopes`).
    ///
    /// # Errors
    /// See [`Clients`]; [`ClientError::Problem`] of kind `Validation`.
    pub async fn set_delegable_scope(
        &self,
        scope: &SetDelegableScopeRequest,
    ) -> Result<DelegableScopeInfo, ClientError> {
        let request = self.0.auth_request(Method::PUT, "v1/admin/delegable-scopes");
        answer::json(self.0.call(request.json(scope)).await?).await
    }

    /// Lets users give a scope to clients no longer (`DELETE /v1/admin/delegable-scopes`).
    ///
    /// # Errors
    /// See [`Clients`].
    pub async fn delete_delegable_scope(&self, name: &str) -> Result<(), ClientError> {
        let query = DelegableScopeQuery {
            name: name.to_owned(),
        };
        let request = self.0.auth_request(Method::DELETE, "v1/admin/delegable-scopes");
        self.0.call(request.query(&query)).await.map(drop)
    }
}

fn client(id: Uuid, rest: &str) -> String {
    format!("v1/admin/clients/{id}{rest}")
}
