use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use jeton_domain::PlainToken;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where a request's id comes in, and goes out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client, in bytes.
const LONGEST: usize = 64;

/// What one request is called, in every line of the log, in its answer's `X-Request-Id`, and wherever else it leaves
/// traces. Handlers take it as an argument.
///
/// It is what the client, or a proxy before the service, sent in `X-Request-Id`, where that is 1 to 64 ASCII letters,
/// digits and `-_.:/+=@`; else a new one, a UUID. It proves nothing: anybody may send any.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; LONGEST],
    length: usize,
}

impl RequestId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// A request's, where it has been given one.
    #[must_use]
    pub fn find(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().copied()
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut sent = headers.get_all(X_REQUEST_ID);
        match (sent.next(), sent.next()) {
            (Some(only), None) => Self::parse(only.as_bytes()).unwrap_or_else(Self::new),
            _ => Self::new(),
        }
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.bytes[..self.length]).ok()
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
        let prefix = PlainToken::PREFIX.as_bytes();
        // A token that has gone astray must not come to stand in the log.
        let holds_token = || text.windows(prefix.len()).any(|part| part == prefix);
        let good = (1..=LONGEST).contains(&text.len()) && text.iter().all(plain) && !holds_token();
        good.then(|| Self::from_ascii(text))
    }

    fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // As `Uuid::now_v7`, without a system call for the randomness.
        let uuid = uuid::Builder::from_unix_timestamp_millis(since_1970.as_millis() as u64, &rand::random());
        let mut buffer = Uuid::encode_buffer();
        Self::from_ascii(
            uuid.as_uuid()
                .as_hyphenated()
                .encode_lower(&mut buffer)
                .as_bytes(),
        )
    }

    fn from_ascii(text: &[u8]) -> Self {
        let mut bytes = [0; LONGEST];
        bytes[..text.len()].copy_from_slice(text);
        Self {
            bytes,
            length: text.len(),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).finish()
    }
}

/// In a handler outside of [`serve`](crate::serve), where nobody has given the request an id, it is as if it had none
/// yet.
impl FromRequest for RequestId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(
            Self::find(request).unwrap_or_else(|| Self::of(request.headers()))
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &[u8]) -> Option<String> {
        RequestId::parse(text).map(|id| id.to_string())
    }

    #[test]
    fn short_and_plain_is_taken() {
        let longest = "a".repeat(64);
        for good in [
            "x",
            "7f3c-1.2_3",
            "Root=1-67891233-abcdef012345678912345678",
            "a/b+c:d@e=",
            &longest,
        ] {
            assert_eq!(taken(good.as_bytes()).as_deref(), Some(good));
        }
    }

    #[test]
    fn an_id_of_other_characters_or_length_is_not_kept() {
        for bad in [
            "",
            "a b",
            "a\"b",
            "a\tb",
            "a;b",
            "ü",
            "{}",
            "jtn_x",
            "a-jtn_x",
            &"a".repeat(65),
        ] {
            assert_eq!(taken(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(taken(&[0xff]), None);
    }

    #[test]
    fn new_ones_differ_and_would_be_taken() {
        let (one, other) = (RequestId::new(), RequestId::new());
        assert_ne!(one, other);
        assert_eq!(taken(one.as_str().as_bytes()), Some(one.to_string()));
        assert!(Uuid::parse_str(one.as_str()).is_ok_and(|id| id.get_version_num() == 7));
    }
}
