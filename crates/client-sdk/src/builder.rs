use crate::retry::Allowance;
use crate::{AuthClient, ClientError, tls};
use reqwest::{Client, Url, redirect};
use std::time::Duration;

/// Settings of an [`AuthClient`]; made by [`AuthClient::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct AuthClientBuilder {
    // Checked at once: a base URL that is refused may hold a password, and is not kept to be printed.
    base_url: Result<Url, &'static str>,
    timeout: Duration,
    connect_timeout: Duration,
    user_agent: String,
    allowance: Allowance,
}

impl AuthClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: parse_base_url(base_url),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            user_agent: concat!("jeton-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            allowance: Allowance::default(),
        }
    }

    /// How long one request may take, its answer's body included. 10 seconds where this is not called. Requests that
    /// are repeated have it each.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a connection may take to come about. 3 seconds where this is not called.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Whom the services see in `User-Agent`; `jeton-client/<version>` where this is not called.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How many more times a request may be sent after a 503. 2 where this is not called.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.allowance.repeats = retries;
        self
    }

    /// How long to wait before trying again where a 503 has no `Retry-After`. Half a second where this is not called.
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.allowance.pause = pause;
        self
    }

    /// How long one call may wait before trying again, in all. 5 seconds where this is not called. A service whose
    /// `Retry-After` asks for more is not tried again: the call returns its 503.
    pub fn max_retry_wait(mut self, wait: Duration) -> Self {
        self.allowance.wait = wait;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ClientError::InvalidBaseUrl`]; [`ClientError::Tls`] and [`ClientError::Transport`] for settings that the
    /// libraries underneath refuse.
    pub fn build(self) -> Result<AuthClient, ClientError> {
        let base_url = self.base_url.clone().map_err(ClientError::InvalidBaseUrl)?;
        let tls = tls::config()?;
        let http = |redirects| {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirects)
                // The URL of one service is none of the next one's business.
                .referer(false)
                // A proxy would read every password and token that is sent over plain HTTP.
                .no_proxy()
                .timeout(self.timeout)
                .connect_timeout(self.connect_timeout)
                .user_agent(&self.user_agent)
                .build()
        };
        Ok(AuthClient::from_parts(
            base_url,
            // A 307 or 308 would have the password sent again, to wherever it says (RFC 9110 §15.4.8).
            http(redirect::Policy::none())?,
            // reqwest drops `Authorization` when scheme, host or port change.
            http(redirect::Policy::default())?,
            self.allowance,
        ))
    }
}

fn parse_base_url(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("begins with neither http: nor https:");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a username or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment");
    }
    if !url.path().ends_with('/') {
        // Without it, joining would replace the last part of the path.
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("https://example.org/auth", "https://example.org/auth/"),
            ("https://example.org/auth/", "https://example.org/auth/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert_eq!(parse_base_url(text).unwrap().as_str(), url);
        }
        for bad in [
            "",
            "127.0.0.1:8080",
            "/auth",
            "ftp://example.org",
            "https://",
            "https://ada:secret@example.org",
            "https://example.org/?a=b",
            "https://example.org/#a",
        ] {
            assert!(parse_base_url(bad).is_err(), "{bad}");
        }
    }
}
