//! Cross-origin requests of browsers (the [Fetch standard](https://fetch.spec.whatwg.org/#http-cors-protocol)).

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use jeton_api_types::{ProblemKind, ProblemResponse};
use std::str::FromStr;
use url::Url;

use crate::request_id::X_REQUEST_ID;

/// How long browsers may remember what they were allowed, in seconds. They make it less: Chromium two hours.
const MAX_AGE_SECS: usize = 86_400;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The origins whose pages may call a service and read its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CorsOrigins {
    Any,
    These(Vec<String>),
}

impl FromStr for CorsOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        parts.map(origin).collect::<Result<_, _>>().map(Self::These)
    }
}

/// An origin exactly as browsers send it: they compare bytes, and so does the service.
fn origin(text: &str) -> Result<String, String> {
    let sent = Url::parse(text).map(|url| url.origin().ascii_serialization());
    // In a host, the URL standard allows more than RFC 3986 does, which the middleware goes by.
    let is_uri = Uri::try_from(text).is_ok();
    match sent {
        Ok(sent) if sent == text && is_uri && !sent.contains('*') => Ok(sent),
        Ok(sent) if sent != "null" && sent != text => {
            Err(format!("{text:?} is no origin; did you mean {sent}?"))
        }
        _ => Err(format!(
            "{text:?} is no origin, as https://app.example.org, nor is it * alone"
        )),
    }
}

impl CorsOrigins {
    /// Whether any page may call the service.
    pub(crate) fn is_some(&self) -> bool {
        *self != Self::These(Vec::new())
    }

    /// Never with credentials: tokens travel in a header that pages set themselves, not in cookies.
    pub(crate) fn middleware(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(METHODS)
            .allowed_headers([AUTHORIZATION, CONTENT_TYPE, X_REQUEST_ID])
            .expose_headers([
                WWW_AUTHENTICATE.as_str(),
                "x-auth-token",
                RETRY_AFTER.as_str(),
                X_REQUEST_ID.as_str(),
            ])
            .max_age(MAX_AGE_SECS);
        match self {
            Self::Any => cors.allow_any_origin().send_wildcard(),
            Self::These(origins) => origins
                .iter()
                .fold(cors, |cors, origin| cors.allowed_origin(origin)),
        }
    }
}

/// Stands before the CORS middleware, and says why it refuses as everything else here says it.
pub(crate) async fn refusals_as_problems<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = next.call(request).await?;
    let refusal = response.response().error().and_then(Error::as_error::<CorsError>);
    let Some(refusal) = refusal.map(ToString::to_string) else {
        return Ok(response.map_into_left_body());
    };
    let problem = ProblemResponse::new(ProblemKind::BadRequest, format!("{refusal}."));
    Ok(response
        .into_response(problem.error_response())
        .map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CorsOrigins, String> {
        text.parse()
    }

    #[test]
    fn origins_are_read_as_browsers_send_them() {
        assert_eq!(read("*"), Ok(CorsOrigins::Any));
        assert!(!read("").unwrap().is_some());
        let two = [
            "https://app.example.org".to_owned(),
            "http://localhost:3000".to_owned(),
        ];
        assert_eq!(
            read("https://app.example.org, http://localhost:3000"),
            Ok(CorsOrigins::These(two.to_vec()))
        );
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_refused() {
        for bad in [
            "app.example.org",
            "https://app.example.org/",
            "https://App.example.org",
            "https://app.example.org:443",
            "https://*.example.org",
            "https://`app.example.org",
            "https://app.example.org{",
            "https://app.example.org,*",
            "null",
            "file:///",
            "data:x",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(
            read("https://app.example.org/x")
                .unwrap_err()
                .contains("mean https://app.example.org?")
        );
    }
}
