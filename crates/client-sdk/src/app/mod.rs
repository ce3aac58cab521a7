//! Other people's programs, which act for a user who has allowed it, or for themselves.

mod authorization;
mod device;
mod metadata;
mod pkce;
mod token;

pub use authorization::Authorization;
pub use device::DeviceAuthorization;

use crate::bearer::Bearer;
use crate::exchange::Renewal;
use crate::retry::{self, Allowance, Repeat};
use crate::{AuthClient, ClientError, Session, answer};
use jeton_api_types::{ExposeSecret, SecretText};
use reqwest::Method;
use std::fmt;
use std::sync::Arc;
use token::TokenResponse;

/// A program that the operator of the auth API has registered (an OAuth client, [RFC 6749 §2]), and that acts for users
/// who allow it, or for itself. Made by [`AuthClient::app`]. Cheap to clone.
///
/// What it gets is a [`Session`], which replaces its token when that is no longer accepted: by the refresh token, or, for a
/// program that acts for itself, by its own credentials. Of all the requests that find out at the same time one does so, and
/// an answer that gets lost is asked for again.
///
/// [RFC 6749 §2]: https://www.rfc-editor.org/rfc/rfc6749#section-2
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    client: AuthClient,
    id: String,
    secret: Option<SecretText>,
}

impl App {
    pub(crate) fn new(client: AuthClient, id: String, secret: Option<SecretText>) -> Self {
        Self(Arc::new(Inner { client, id, secret }))
    }

    /// Begins to ask a user for permission to do so much, by the browser ([RFC 6749 §4.1], with PKCE and `state`). Reads from
    /// the auth API's metadata where the user is to go.
    ///
    /// The redirect URI is one that was registered, byte by byte; of one on the loopback interface
    /// (`http://127.0.0.1/callback`) the port may be any ([RFC 8252 §7.3]).
    ///
    /// # Errors
    /// [`ClientError::ForeignAnswer`] where the metadata is another issuer's than the base URL's, and what any call may fail
    /// with.
    ///
    /// [RFC 6749 §4.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1
    /// [RFC 8252 §7.3]: https://www.rfc-editor.org/rfc/rfc8252#section-7.3
    pub async fn authorization(
        &self,
        redirect_uri: &str,
        scopes: &[&str],
    ) -> Result<Authorization, ClientError> {
        Authorization::begin(self.clone(), redirect_uri, scopes).await
    }

    /// Begins to ask a user who has a browser elsewhere, as for a command line or a television ([RFC 8628]).
    ///
    /// # Errors
    /// [`ClientError::OAuth`], and what any call may fail with.
    ///
    /// [RFC 8628]: https://www.rfc-editor.org/rfc/rfc8628
    pub async fn device_authorization(&self, scopes: &[&str]) -> Result<DeviceAuthorization, ClientError> {
        DeviceAuthorization::begin(self.clone(), scopes).await
    }

    /// A session of the service account that the operator has bound this program to ([RFC 6749 §4.4]). Takes a secret.
    ///
    /// # Errors
    /// [`ClientError::OAuth`], and what any call may fail with.
    ///
    /// [RFC 6749 §4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    pub async fn client_credentials(&self, scopes: &[&str]) -> Result<Session, ClientError> {
        let mut renewal = Renewal::ClientCredentials(self.clone(), scopes.join(" "));
        let bearer = renewal
            .renew(&self.0.client, &mut self.0.client.allowance())
            .await?;
        Ok(Session::new(self.0.client.clone(), bearer, Some(renewal)))
    }

    /// A session with what was kept of an earlier one: [`Session::token`] and [`Session::refresh_token`]. Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError::MalformedToken`]
    pub fn session(
        &self,
        token: impl Into<SecretText>,
        refresh_token: impl Into<SecretText>,
    ) -> Result<Session, ClientError> {
        let renewal = Renewal::Refresh(self.clone(), refresh_token.into());
        let bearer = Bearer::new(token.into())?;
        Ok(Session::new(self.0.client.clone(), bearer, Some(renewal)))
    }

    /// The session that a token response begins.
    fn begin(&self, response: TokenResponse) -> Result<Session, ClientError> {
        let renewal = response
            .refresh_token
            .map(|token| Renewal::Refresh(self.clone(), token));
        let bearer = Bearer::new(response.access_token)?;
        Ok(Session::new(self.0.client.clone(), bearer, renewal))
    }

    /// Asks the token endpoint, once more after a 503 where that is said to be safe.
    pub(crate) async fn token(
        &self,
        parameters: &[(&str, &str)],
        repeat: Repeat,
        allowance: &mut Allowance,
    ) -> Result<TokenResponse, ClientError> {
        let response = self.post("v1/token", parameters, repeat, allowance).await?;
        answer::json(response).await
    }

    /// Replaces a refresh token, and the token with it. Where no answer comes, asks again with the same one: for a while the
    /// auth API answers the predecessor as it answered the first time.
    pub(crate) async fn refresh(
        &self,
        refresh_token: &SecretText,
        allowance: &mut Allowance,
    ) -> Result<TokenResponse, ClientError> {
        let refresh_token = refresh_token.expose_secret();
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        loop {
            let response = self.token(&parameters, Repeat::Always, allowance).await;
            match response {
                Err(ClientError::Transport(error)) => match allowance.take(Repeat::Always, None) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(ClientError::Transport(error)),
                },
                response => return response,
            }
        }
    }

    /// Gives back what the user has allowed: no service accepts any token of it when this returns ([RFC 7009]).
    ///
    /// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
    pub(crate) async fn revoke(&self, refresh_token: &SecretText) -> Result<(), ClientError> {
        let parameters = [
            ("token", refresh_token.expose_secret()),
            ("token_type_hint", "refresh_token"),
        ];
        let allowance = &mut self.0.client.allowance();
        self.post("v1/revoke", &parameters, Repeat::Always, allowance)
            .await
            .map(drop)
    }

    /// A form, with what says who asks ([RFC 6749 §2.3.1]).
    ///
    /// [RFC 6749 §2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    async fn post(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        repeat: Repeat,
        allowance: &mut Allowance,
    ) -> Result<reqwest::Response, ClientError> {
        let Inner { client, id, secret } = &*self.0;
        let mut form = parameters.to_vec();
        let mut request = client.request(Method::POST, path);
        match secret {
            Some(secret) => request = request.basic_auth(id, Some(secret.expose_secret())),
            None => form.push(("client_id", id)),
        }
        let response = retry::send(client.auth(), request.form(&form).build()?, repeat, allowance).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(token::error(response).await)
        }
    }
}

impl AuthClient {
    /// A program that the operator has registered, by its `client_id`, and by its secret, if it was given one.
    #[must_use]
    pub fn app(&self, client_id: impl Into<String>, secret: Option<SecretText>) -> App {
        App::new(self.clone(), client_id.into(), secret)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("client", &self.0.client)
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}
