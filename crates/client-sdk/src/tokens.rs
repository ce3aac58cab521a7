use crate::{ClientError, Session, answer};
use jeton_api_types::{CreateTokenRequest, IssuedToken, RenameTokenRequest, TokenInfo, TokenList};
use reqwest::Method;
use uuid::Uuid;

/// The tokens of the user who is signed in; made by [`Session::tokens`]. Needs a token from signing in: one made by
/// hand gets a [`ClientError::Problem`] of kind `LoginTokenRequired`.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a>(&'a Session);

impl<'a> Tokens<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        Self(session)
    }

    /// One page, newest first (`GET /v1/tokens`): at most `limit` tokens, from behind the one that `after` names.
    ///
    /// # Errors
    /// As any call of a [`Session`].
    pub async fn list(&self, limit: Option<u32>, after: Option<Uuid>) -> Result<TokenList, ClientError> {
        let request = self
            .0
            .auth_request(Method::GET, "v1/tokens")
            .query(&[("limit", limit)])
            .query(&[("after", after)]);
        answer::json(self.0.call(request).await?).await
    }

    /// All pages, newest first. What is issued or revoked meanwhile may be there or not.
    ///
    /// # Errors
    /// As any call of a [`Session`].
    pub async fn list_all(&self) -> Result<Vec<TokenInfo>, ClientError> {
        let mut page = self.list(None, None).await?;
        let mut tokens = page.tokens;
        while let Some(after) = page.next {
            page = self.list(None, Some(after)).await?;
            // A page without tokens ends the list, whatever it says of a next one.
            if page.tokens.is_empty() {
                break;
            }
            tokens.append(&mut page.tokens);
        }
        Ok(tokens)
    }

    /// Issues a token for a program (`POST /v1/tokens`). Its text is in the answer and never to be had again. Not
    /// repeated after a 503, which may leave a token that nobody knows.
    ///
    /// # Errors
    /// As any call of a [`Session`]; [`ClientError::Problem`] of kind `ScopeNotHeld` or `Validation`.
    pub async fn create(&self, request: &CreateTokenRequest) -> Result<IssuedToken, ClientError> {
        let request = self.0.auth_request(Method::POST, "v1/tokens").json(request);
        answer::json(self.0.call(request).await?).await
    }

    /// Calls a token something else (`PATCH /v1/tokens/{id}`).
    ///
    /// # Errors
    /// As any call of a [`Session`]; [`ClientError::Problem`] of kind `NotFound` or `Validation`.
    pub async fn rename(&self, id: Uuid, name: impl Into<String>) -> Result<TokenInfo, ClientError> {
        let body = RenameTokenRequest { name: name.into() };
        let request = self.0.auth_request(Method::PATCH, &format!("v1/tokens/{id}"));
        answer::json(self.0.call(request.json(&body)).await?).await
    }

    /// Revokes a token (`DELETE /v1/tokens/{id}`). When this returns, no service accepts it any more. Repeated after
    /// a 503; if the first request had an effect, the second is a `NotFound`.
    ///
    /// # Errors
    /// As any call of a [`Session`]; [`ClientError::Problem`] of kind `NotFound`, for somebody else's token too.
    pub async fn revoke(&self, id: Uuid) -> Result<(), ClientError> {
        let request = self.0.auth_request(Method::DELETE, &format!("v1/tokens/{id}"));
        self.0.call(request).await.map(drop)
    }
}
