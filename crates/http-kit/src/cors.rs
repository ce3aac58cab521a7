//! Cross-origin requests of browsers (the [Fetch standard](https://fetch.spec.whatwg.org/#http-cors-protocol)).

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName,
    ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use jeton_api_types::{ProblemKind, ProblemResponse};
use std::str::FromStr;
use url::Url;

use crate::request_id::X_REQUEST_ID;

/// How long browsers may remember what they were allowed, in seconds. They make it less: Chromium two hours.
const MAX_AGE_SECS: usize = 86_400;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The headers that pages may always send: what the services read, and what tracing ([W3C Trace Context], [Baggage],
/// Sentry) and libraries for pages add by themselves. None can do harm: there is no cookie that would come along.
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
/// [Baggage]: https://www.w3.org/TR/baggage/
const HEADERS: [&str; 8] = [
    "authorization",
    "content-type",
    "x-request-id",
    "x-requested-with",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
];

/// Which pages may call a service.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct CorsArgs {
    /// The origins whose pages may call the service from browsers, with commas between them, as
    /// `https://app.example.org,http://localhost:3000`; or `*` for any
    ///
    /// Those of webviews can be named as well (`capacitor://localhost`), and `http://localhost:*` for any port of the
    /// user's own machine.
    #[arg(
        long = "cors-origins",
        env = "JETON_CORS_ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    origins: CorsOrigins,

    /// More headers that these pages may send, with commas between them, as `x-datadog-trace-id`; or `*` for any
    ///
    /// `Authorization`, `Content-Type`, `X-Request-Id`, `X-Requested-With`, `traceparent`, `tracestate`, `baggage` and
    /// `sentry-trace` they always may.
    #[arg(
        long = "cors-allowed-headers",
        env = "JETON_CORS_ALLOWED_HEADERS",
        default_value = "",
        hide_default_value = true
    )]
    headers: CorsHeaders,
}

/// The origins whose pages may call a service and read its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CorsOrigins {
    Any,
    These(Vec<AllowedOrigin>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AllowedOrigin {
    Exactly(String),
    /// This one, which has no port, and the same with any port.
    WithAnyPort(String),
}

/// The headers that pages may send, besides [those that they always may](HEADERS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CorsHeaders {
    Any,
    These(Vec<HeaderName>),
}

impl FromStr for CorsOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        parts(text).map(origin).collect::<Result<_, _>>().map(Self::These)
    }
}

impl FromStr for CorsHeaders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let header = |text: &str| match HeaderName::from_str(text) {
            Ok(name) if text != "*" => Ok(name),
            _ => Err(format!(
                "{text:?} is no name of a header, as x-datadog-trace-id, nor is it * alone"
            )),
        };
        parts(text).map(header).collect::<Result<_, _>>().map(Self::These)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).filter(|part| !part.is_empty())
}

/// An origin exactly as browsers send it: they compare bytes, and so does the service.
fn origin(text: &str) -> Result<AllowedOrigin, String> {
    if let Some(without_port) = text.strip_suffix(":*") {
        return match web_origin(without_port) {
            Ok(origin) if is_loopback(&origin) => Ok(AllowedOrigin::WithAnyPort(origin)),
            _ => Err(format!(
                "{text:?} is no origin: only http://localhost, http://127.0.0.1 and http://[::1] may be named with any port"
            )),
        };
    }
    if is_of_an_app(text) {
        return Ok(AllowedOrigin::Exactly(text.to_owned()));
    }
    web_origin(text).map(AllowedOrigin::Exactly)
}

/// Whether it is the user's own machine, where programs take whatever port is free ([RFC 8252 §7.3]).
///
/// [RFC 8252 §7.3]: https://www.rfc-editor.org/rfc/rfc8252#section-7.3
fn is_loopback(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1", "http://[::1]"].contains(&origin)
}

fn web_origin(text: &str) -> Result<String, String> {
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

/// What the webview of an app sends, which has a scheme of its own: `capacitor://localhost`, `ionic://localhost`,
/// `tauri://localhost`, `app://.`; and what the pages of a browser's extension send. To the URL standard they are opaque, and
/// so are schemes whose pages have no origin.
fn is_of_an_app(text: &str) -> bool {
    const OTHERS: [&str; 11] = [
        "http",
        "https",
        "ws",
        "wss",
        "ftp",
        "file",
        "data",
        "blob",
        "javascript",
        "about",
        "filesystem",
    ];
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let plain = |more: &'static [u8]| {
        move |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte)
    };
    !OTHERS.contains(&scheme)
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(plain(b"+-."))
        && !host.is_empty()
        && host.bytes().all(plain(b"-._"))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

impl AllowedOrigin {
    fn allows(&self, sent: &[u8]) -> bool {
        match self {
            Self::Exactly(origin) => sent == origin.as_bytes(),
            Self::WithAnyPort(origin) => sent.strip_prefix(origin.as_bytes()).is_some_and(|rest| {
                rest.is_empty()
                    || rest.strip_prefix(b":").is_some_and(|port| {
                        (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit)
                    })
            }),
        }
    }
}

impl CorsArgs {
    /// Whether any page may call the service.
    pub(crate) fn is_some(&self) -> bool {
        self.origins != CorsOrigins::These(Vec::new())
    }

    /// Never with credentials: tokens travel in a header that pages set themselves, not in cookies.
    pub(crate) fn middleware(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(METHODS)
            .expose_headers([
                WWW_AUTHENTICATE.as_str(),
                "x-auth-token",
                RETRY_AFTER.as_str(),
                X_REQUEST_ID.as_str(),
            ])
            .max_age(MAX_AGE_SECS);
        let cors = match &self.headers {
            CorsHeaders::Any => cors.allow_any_header(),
            CorsHeaders::These(more) => cors.allowed_headers(HEADERS).allowed_headers(more),
        };
        match self.origins.clone() {
            CorsOrigins::Any => cors.allow_any_origin().send_wildcard(),
            CorsOrigins::These(origins) => cors.allowed_origin_fn(move |sent, _| {
                origins.iter().any(|origin| origin.allows(sent.as_bytes()))
            }),
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

/// Stands before the CORS middleware: of these paths, pages of other origins are told nothing, whatever they are allowed elsewhere.
pub(crate) async fn left_out<B: MessageBody + 'static>(
    paths: &[&str],
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let is_left_out = paths.contains(&request.path());
    if is_left_out {
        request.headers_mut().remove(ORIGIN);
        request.headers_mut().remove(ACCESS_CONTROL_REQUEST_METHOD);
    }
    let mut response = next.call(request).await?;
    if is_left_out {
        // Where any origin may call the service, this is told to whoever asks.
        response.headers_mut().remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        response.headers_mut().remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
