//! A check by the guard that services on axum and tower have before them, without a socket.

use super::watched::Outcome;
use crate::wire::WRITE;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
use jeton_verifier::Verifier;
use jeton_verifier::axum::Guard;
use std::convert::Infallible;
use tower::{Layer, ServiceExt, service_fn};

/// One for [`check`].
pub(super) fn guard(verifier: Verifier) -> Guard {
    Guard::new(verifier).requiring(WRITE)
}

pub(super) async fn check(guard: &Guard, text: &str) -> Outcome {
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Vec::<u8>::new())));
    let mut request = Request::new(());
    if let Ok(value) = HeaderValue::try_from(format!("Bearer {text}")) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let Ok(answer) = guard.layer(handler).oneshot(request).await;
    match answer.status() {
        StatusCode::OK => Outcome::Accepted { with_write: true },
        StatusCode::FORBIDDEN => Outcome::Accepted { with_write: false },
        StatusCode::SERVICE_UNAVAILABLE => Outcome::Unavailable,
        // Whatever else there might be by mistake has to be noticed, and a valid token that is refused is.
        _ => Outcome::Refused,
    }
}
