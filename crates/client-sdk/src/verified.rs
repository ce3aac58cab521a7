use crate::ClientError;
use percent_encoding::percent_decode_str;
use reqwest::Response;
use uuid::Uuid;

/// Whose a token is, as the auth API tells gateways: the answer of `GET /v1/verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Names the user for good.
    pub user_id: Uuid,
    /// What the user is called, for a person to read.
    pub username: String,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// Names the token without revealing it.
    pub token_id: Uuid,
}

impl Verified {
    pub(crate) fn read(response: &Response) -> Result<Self, ClientError> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let id = |name| header(name).and_then(|text| Uuid::try_parse(text).ok());
        let read = || {
            let username = percent_decode_str(header("x-auth-username")?)
                .decode_utf8()
                .ok()?;
            Some(Self {
                user_id: id("x-auth-user-id")?,
                username: username.into_owned(),
                scopes: header("x-auth-scopes")?
                    .split_ascii_whitespace()
                    .map(str::to_owned)
                    .collect(),
                token_id: id("x-auth-token-id")?,
            })
        };
        read().ok_or(ClientError::UnexpectedHeaders {
            status: response.status(),
        })
    }
}
