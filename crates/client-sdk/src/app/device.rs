use super::App;
use crate::retry::Repeat;
use crate::{ClientError, Session, answer};
use jeton_api_types::{ExposeSecret, SecretText};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// A user is to type a code, in whatever browser ([RFC 8628 §3.2]).
///
/// [RFC 8628 §3.2]: https://www.rfc-editor.org/rfc/rfc8628#section-3.2
#[must_use]
pub struct DeviceAuthorization {
    app: App,
    answer: Answer,
}

#[derive(Deserialize)]
struct Answer {
    device_code: SecretText,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn five() -> u64 {
    5
}

impl DeviceAuthorization {
    pub(super) async fn begin(app: App, scopes: &[&str]) -> Result<Self, ClientError> {
        let parameters = [("scope", scopes.join(" "))];
        let parameters = parameters.each_ref().map(|(name, value)| (*name, value.as_str()));
        let allowance = &mut app.0.client.allowance();
        let response = app
            .post("v1/device_authorization", &parameters, Repeat::Always, allowance)
            .await?;
        let answer = answer::json(response).await?;
        Ok(Self { app, answer })
    }

    /// What the user is to type, to be shown large.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.answer.user_code
    }

    /// Where.
    #[must_use]
    pub fn verification_uri(&self) -> &str {
        &self.answer.verification_uri
    }

    /// For how long the code can be typed.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.answer.expires_in)
    }

    /// Asks until the user has decided, as often as the auth API wants to be asked.
    ///
    /// # Errors
    /// [`ClientError::OAuth`] with `access_denied` or `expired_token`, and what any call may fail with, but that it asks
    /// again where no answer comes, until the code has expired.
    pub async fn wait(self) -> Result<Session, ClientError> {
        let parameters = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.answer.device_code.expose_secret()),
        ];
        let mut interval = Duration::from_secs(self.answer.interval);
        let ends = Instant::now() + self.expires_in();
        loop {
            tokio::time::sleep(interval).await;
            let allowance = &mut self.app.0.client.allowance();
            match self.app.token(&parameters, Repeat::Always, allowance).await {
                Ok(response) => return self.app.begin(response),
                Err(error) if Instant::now() >= ends => return Err(error),
                Err(error) => interval = next_interval(interval, error)?,
            }
        }
    }
}

/// How long to wait before asking again; or that there is no use in it ([RFC 8628 §3.5]).
///
/// [RFC 8628 §3.5]: https://www.rfc-editor.org/rfc/rfc8628#section-3.5
fn next_interval(interval: Duration, error: ClientError) -> Result<Duration, ClientError> {
    match &error {
        ClientError::OAuth { error: told, .. } if told == "authorization_pending" => Ok(interval),
        ClientError::OAuth { error: told, .. } if told == "slow_down" => {
            Ok(interval + Duration::from_secs(5))
        }
        // The service is away for a while, and the code outlasts it or not.
        ClientError::Transport(_) => Ok((interval * 2).min(Duration::from_secs(60))),
        _ => Err(error),
    }
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("app", &self.app)
            .field("verification_uri", &self.answer.verification_uri)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_asks_as_often_as_it_is_told() {
        let oauth = |error: &str| ClientError::OAuth {
            status: None,
            error: error.to_owned(),
            description: None,
        };
        let five = Duration::from_secs(5);
        assert_eq!(next_interval(five, oauth("authorization_pending")).unwrap(), five);
        assert_eq!(next_interval(five, oauth("slow_down")).unwrap(), 2 * five);
        for end in ["access_denied", "expired_token", "invalid_grant"] {
            assert!(next_interval(five, oauth(end)).is_err(), "{end}");
        }
    }
}
