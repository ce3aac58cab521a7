use actix_web::{HttpMessage, HttpRequest};
use tracing_actix_web::RequestId;

/// What the log names a request by.
#[must_use]
pub fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(ToString::to_string)
}
