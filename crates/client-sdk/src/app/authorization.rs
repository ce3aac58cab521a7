use super::{App, metadata, pkce};
use crate::retry::Repeat;
use crate::{ClientError, Session};
use jeton_api_types::{ExposeSecret, SecretText};
use reqwest::Url;
use std::fmt;

/// A user is being asked. Kept by the program, for this user's browser alone, until that comes back.
#[must_use]
pub struct Authorization {
    app: App,
    url: Url,
    redirect_uri: String,
    issuer: String,
    state: SecretText,
    verifier: SecretText,
}

impl Authorization {
    pub(super) async fn begin(app: App, redirect_uri: &str, scopes: &[&str]) -> Result<Self, ClientError> {
        let metadata = metadata::read(&app.0.client).await?;
        let (verifier, challenge) = pkce::pair()?;
        let state = pkce::random_text()?;
        let mut url = Url::parse(&metadata.authorization_endpoint)
            .map_err(|_| ClientError::ForeignAnswer("the metadata's authorization endpoint is no URL"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &app.0.id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Self {
            app,
            url,
            redirect_uri: redirect_uri.to_owned(),
            issuer: metadata.issuer,
            state: state.into(),
            verifier,
        })
    }

    /// Where the user's browser is to go.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Goes on when the browser comes back to the redirect URI, with this query (what stands after the `?`): checks `state` and
    /// `iss` ([RFC 9207]), and exchanges the code.
    ///
    /// # Errors
    /// [`ClientError::OAuth`] where the user has denied it (`access_denied`) or the auth API something;
    /// [`ClientError::ForeignAnswer`] where this is no answer to this request, which is then to be thrown away: somebody has
    /// sent the browser here; and what any call may fail with.
    ///
    /// [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207
    pub async fn finish(self, query: &str) -> Result<Session, ClientError> {
        let code = self.code(query)?;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        // Not repeated: a code that is seen twice has perhaps been stolen, and what it gave is revoked.
        let allowance = &mut self.app.0.client.allowance();
        let response = self.app.token(&parameters, Repeat::Never, allowance).await?;
        self.app.begin(response)
    }

    fn code(&self, query: &str) -> Result<SecretText, ClientError> {
        let mut answer =
            Url::parse("http://localhost/").map_err(|_| ClientError::ForeignAnswer("no query"))?;
        answer.set_query(Some(query));
        let only = |name: &str| {
            let mut values = answer.query_pairs().filter(|(key, _)| key == name);
            let first = values.next().map(|(_, value)| value.into_owned());
            first.filter(|_| values.next().is_none())
        };
        if only("state").as_deref() != Some(self.state.expose_secret()) {
            return Err(ClientError::ForeignAnswer("its state is not the request's"));
        }
        if only("iss").as_deref() != Some(&self.issuer) {
            return Err(ClientError::ForeignAnswer("it names another issuer"));
        }
        if let Some(error) = only("error") {
            let description = only("error_description");
            return Err(ClientError::OAuth {
                status: None,
                error,
                description,
            });
        }
        only("code")
            .map(SecretText::from)
            .ok_or(ClientError::ForeignAnswer("it has no code"))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("app", &self.app)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}
