use crate::retry::{self, Repeat};
use crate::{AuthClient, ClientError, answer};
use reqwest::Method;
use serde::Deserialize;

/// What is used of the auth API's metadata ([RFC 8414]): the other endpoints are known.
///
/// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
}

/// Reads the metadata. The issuer has to be the base URL: with another one's authorization endpoint, a malicious auth API would be
/// sent codes of that ([RFC 8414 §6.2]).
///
/// [RFC 8414 §6.2]: https://www.rfc-editor.org/rfc/rfc8414#section-6.2
pub(super) async fn read(client: &AuthClient) -> Result<Metadata, ClientError> {
    let request = client
        .request(Method::GET, ".well-known/oauth-authorization-server")
        .build()?;
    let response = retry::send(client.auth(), request, Repeat::Always, &mut client.allowance()).await?;
    let metadata: Metadata = answer::json(answer::success(response).await?).await?;
    let base_url = client.base_url().as_str();
    if metadata.issuer.trim_end_matches('/') != base_url.trim_end_matches('/') {
        return Err(ClientError::ForeignAnswer(
            "the metadata at the base URL is another issuer's",
        ));
    }
    Ok(metadata)
}
