use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use std::str::FromStr;
use std::sync::Once;
use url::{Host, Url};

/// What this service is called by those who trust it ([RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2)): its
/// origin as clients know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer(String);

impl FromStr for Issuer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let takes = "it takes an origin as https://auth.example.org; http:// for this machine alone";
        let url = Url::parse(text).map_err(|_| takes.to_owned())?;
        let is_secure = match (url.scheme(), url.host()) {
            ("https", Some(_)) => true,
            ("http", Some(Host::Domain(name))) => name == "localhost",
            ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
            ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
            _ => false,
        };
        // As it is written, since clients compare it byte by byte.
        let origin = url.origin().ascii_serialization();
        if is_secure && (text == origin || text == format!("{origin}/")) {
            Ok(Self(origin))
        } else {
            Err(takes.to_owned())
        }
    }
}

/// As it is set, or by the name that the request has for it.
pub(super) fn issuer(set: Option<&Issuer>, request: &HttpRequest) -> String {
    if let Some(Issuer(origin)) = set {
        return origin.clone();
    }
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            "JETON_ISSUER is not set: apps are told http:// and the name that a request has for this service, which is for \
                development alone"
        );
    });
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => format!("http://{host}"),
        _ => "http://localhost".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_origin() {
        for good in [
            "https://auth.example.org",
            "https://auth.example.org:8443",
            "http://127.0.0.1:8080",
        ] {
            assert_eq!(good.parse::<Issuer>().unwrap().0, good);
        }
        assert_eq!(
            "https://a.example/".parse::<Issuer>().unwrap().0,
            "https://a.example"
        );
        for bad in [
            "",
            "auth.example.org",
            "http://auth.example.org",
            "https://a.example/x",
            "https://a.example?x",
            "https://u@a.example",
            "https://A.example",
            "https://a.example:443",
        ] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
    }
}
