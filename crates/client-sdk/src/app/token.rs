use crate::retry::retry_after;
use crate::{ClientError, answer};
use jeton_api_types::SecretText;
use reqwest::Response;
use serde::Deserialize;

/// What the token endpoint gives ([RFC 6749 §5.1]).
///
/// [RFC 6749 §5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
#[derive(Deserialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: SecretText,
    /// `None` for a confidential client, whose refresh token stays, and for a program that acts for itself.
    #[serde(default)]
    pub(crate) refresh_token: Option<SecretText>,
}

/// [RFC 6749 §5.2].
///
/// [RFC 6749 §5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// What an answer that is no success says: an error of OAuth's, or one that every endpoint may answer with.
pub(crate) async fn error(response: Response) -> ClientError {
    let status = response.status();
    if !status.is_client_error() || answer::is_problem(response.headers()) {
        return answer::error(response).await;
    }
    let (retry_after, request_id) = (
        retry_after(response.headers()),
        answer::request_id(response.headers()),
    );
    let body = answer::read(response, answer::MAX_PROBLEM_BYTES).await.ok();
    match body.and_then(|body| serde_json::from_slice::<ErrorResponse>(&body).ok()) {
        Some(told) => ClientError::OAuth {
            status: Some(status),
            error: told.error,
            description: told.error_description,
        },
        None => ClientError::Status {
            status,
            retry_after,
            request_id,
        },
    }
}
