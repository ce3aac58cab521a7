use crate::ClientError;
use jeton_api_types::{ExposeSecret, SecretText};
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderValue};

/// A token, with the header that it travels in.
pub(crate) struct Bearer {
    token: SecretText,
    header: HeaderValue,
}

impl Bearer {
    pub(crate) fn new(token: SecretText) -> Result<Self, ClientError> {
        if !is_b64token(token.expose_secret()) {
            return Err(ClientError::MalformedToken);
        }
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| ClientError::MalformedToken)?;
        // Redacts it from the `Debug` of requests, and keeps it out of HTTP/2's compression tables.
        header.set_sensitive(true);
        Ok(Self { token, header })
    }

    /// The request with this token, instead of whatever credentials it had.
    pub(crate) fn on(&self, mut request: Request) -> Request {
        request.headers_mut().insert(AUTHORIZATION, self.header.clone());
        request
    }

    /// A copy of the token.
    pub(crate) fn token(&self) -> SecretText {
        SecretText::from(self.token.expose_secret())
    }
}

/// `b64token` of [RFC 6750 §2.1].
///
/// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
fn is_b64token(text: &str) -> bool {
    let stem = text.trim_end_matches('=');
    !stem.is_empty()
        && stem
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_shape() {
        for good in ["jtn_0aZ", "a.b-c~d+e/f==", "x"] {
            assert!(Bearer::new(good.into()).is_ok(), "{good}");
        }
        for bad in ["", "==", "a b", "a\n", "a\r\nHost: x", "ä", "a=b", "Bearer a"] {
            assert!(
                matches!(Bearer::new(bad.into()), Err(ClientError::MalformedToken)),
                "{bad:?}"
            );
        }
    }
}
