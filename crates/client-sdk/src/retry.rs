use crate::ClientError;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, Request, Response, StatusCode};
use std::time::Duration;

/// How long to wait after a 408. Connections that were opened at the same time and never used are closed at the same time:
/// meanwhile it is seen which of them are, and the next request takes none of them.
const AFTER_408: Duration = Duration::from_millis(100);

/// How often and how long one call may try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// How many more requests.
    pub(crate) repeats: u32,
    /// How long to wait where the service does not say.
    pub(crate) pause: Duration,
    /// How much longer to wait, in all.
    pub(crate) wait: Duration,
    /// How many more requests because the last was not received, which is nobody's choice.
    unreceived: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            repeats: 2,
            pause: Duration::from_millis(500),
            wait: Duration::from_secs(5),
            unreceived: 2,
        }
    }
}

/// Whether a request may be sent again after a 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    /// Where the service says when (`Retry-After`).
    WhenAsked,
    Always,
}

impl Repeat {
    /// The idempotent methods, and no others ([RFC 9110 §9.2.2]): a 503 does not say that nothing was done.
    ///
    /// [RFC 9110 §9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    pub(crate) fn by_method(method: &Method) -> Self {
        if method.is_idempotent() {
            Self::Always
        } else {
            Self::Never
        }
    }
}

impl Allowance {
    /// How long to wait before the next request; `None` when there is to be none. A service that wants more time than
    /// is left gets no request before that.
    pub(crate) fn take(&mut self, repeat: Repeat, asked: Option<Duration>) -> Option<Duration> {
        let pause = match repeat {
            Repeat::Never => None,
            Repeat::WhenAsked => asked,
            Repeat::Always => Some(asked.unwrap_or(self.pause)),
        }?;
        let wait = self.wait.checked_sub(pause)?;
        self.repeats = self.repeats.checked_sub(1)?;
        self.wait = wait;
        Some(pause)
    }

    /// The same for a request that was not received.
    fn take_unreceived(&mut self) -> Option<Duration> {
        self.unreceived = self.unreceived.checked_sub(1)?;
        Some(AFTER_408)
    }
}

/// Sends a request; after a 503 again, as far as allowed and unless its body is a stream, which is gone by then. And after a
/// 408, whatever the method: the service has not received the request whole ([RFC 9110 §15.5.9]). It closes a connection
/// that way on which nothing was sent in time, perhaps just when something is.
///
/// [RFC 9110 §15.5.9]: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9
pub(crate) async fn send(
    http: &Client,
    mut request: Request,
    repeat: Repeat,
    allowance: &mut Allowance,
) -> Result<Response, ClientError> {
    loop {
        let spare = request.try_clone();
        let response = http.execute(request).await?;
        let pause = match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => allowance.take(repeat, retry_after(response.headers())),
            StatusCode::REQUEST_TIMEOUT => allowance.take_unreceived(),
            _ => None,
        };
        let (Some(spare), Some(pause)) = (spare, pause) else {
            return Ok(response);
        };
        drop(response);
        tokio::time::sleep(pause).await;
        request = spare;
    }
}

/// `Retry-After` in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let secs = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn retries_are_for_idempotent_methods() {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::TRACE,
            Method::PUT,
            Method::DELETE,
        ] {
            assert_eq!(Repeat::by_method(&method), Repeat::Always, "{method}");
        }
        let extension = Method::from_bytes(b"PURGE").unwrap();
        for method in [Method::POST, Method::PATCH, Method::CONNECT, extension] {
            assert_eq!(Repeat::by_method(&method), Repeat::Never, "{method}");
        }
    }

    #[test]
    fn pauses_come_from_the_service_or_the_settings() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.take(Repeat::Always, Some(SECOND)), Some(SECOND));
        assert_eq!(
            allowance.take(Repeat::Always, None),
            Some(Duration::from_millis(500))
        );
        assert_eq!(allowance.take(Repeat::Always, None), None);
        assert_eq!(Allowance::default().take(Repeat::WhenAsked, None), None);
        assert_eq!(
            Allowance::default().take(Repeat::WhenAsked, Some(SECOND)),
            Some(SECOND)
        );
        assert_eq!(Allowance::default().take(Repeat::Never, Some(SECOND)), None);
    }

    #[test]
    fn waits_are_bounded_in_all() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.take(Repeat::Always, Some(6 * SECOND)), None);
        assert_eq!(allowance.take(Repeat::Always, Some(4 * SECOND)), Some(4 * SECOND));
        assert_eq!(allowance.take(Repeat::Always, Some(2 * SECOND)), None);
        assert_eq!(allowance.take(Repeat::Always, Some(Duration::MAX)), None);
    }

    #[test]
    fn retry_after_in_seconds_only() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("1"), Some(SECOND));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        for other in ["", "-1", "1.5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
