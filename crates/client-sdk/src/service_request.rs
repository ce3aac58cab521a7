use crate::exchange::Exchange;
use crate::retry::Repeat;
use crate::{ClientError, answer};
use reqwest::header::HeaderMap;
use reqwest::{Body, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request to a service, not sent yet; made by [`Session::request`](crate::Session::request) and its like. What is
/// wrong with a URL, a header or a body is reported by [`ServiceRequest::send`].
#[must_use = "nothing is sent before `send`"]
pub struct ServiceRequest {
    exchange: Arc<Exchange>,
    builder: RequestBuilder,
}

impl ServiceRequest {
    pub(crate) fn new(exchange: Arc<Exchange>, builder: RequestBuilder) -> Self {
        Self { exchange, builder }
    }

    /// Adds a header. One called `Authorization` gives way to the token.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|builder| builder.header(name, value))
    }

    /// Sets headers, replacing those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|builder| builder.headers(headers))
    }

    /// Adds to the query, as `&[("limit", "10")]`.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|builder| builder.query(query))
    }

    /// A JSON body.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.with(|builder| builder.json(json))
    }

    /// A form as the body.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.with(|builder| builder.form(form))
    }

    /// Any body. One that is a stream cannot be sent twice: the request is not repeated then.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|builder| builder.body(body))
    }

    /// How long the request may take, instead of the client's
    /// [`timeout`](crate::AuthClientBuilder::timeout).
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|builder| builder.timeout(timeout))
    }

    /// Sends the request with the token.
    ///
    /// When the token is refused and the session has credentials, signs in again and repeats the request, whatever its
    /// method: a request that was refused had no effect. After a 503 it is repeated if the method is idempotent
    /// ([RFC 9110 §9.2.2]), by default twice, and if `Retry-After` leaves time for it; a `POST` or `PATCH` never.
    ///
    /// # Errors
    /// [`ClientError::Problem`] for a status of 4xx or 5xx with a problem for a body, [`ClientError::Status`] for one
    /// without; [`ClientError::Transport`]; as [`AuthClient::login`](crate::AuthClient::login) where the token had to
    /// be renewed.
    ///
    /// [RFC 9110 §9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    pub async fn send(self) -> Result<Response, ClientError> {
        let request = self.builder.build()?;
        let repeat = Repeat::by_method(request.method());
        let http = self.exchange.client.services();
        let response = self.exchange.run(http, request, repeat).await?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(answer::error(response).await);
        }
        Ok(response)
    }

    /// Sends the request and reads the answer's body as JSON, of 8 MiB at the most.
    ///
    /// # Errors
    /// As [`ServiceRequest::send`]; [`ClientError::UnexpectedBody`]; [`ClientError::BodyTooLarge`].
    pub async fn send_json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        answer::json(self.send().await?).await
    }

    fn with(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self {
            builder: change(self.builder),
            ..self
        }
    }
}

impl fmt::Debug for ServiceRequest {
    // Its query, headers and body are the caller's, who may have put secrets there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceRequest").finish_non_exhaustive()
    }
}
