use std::str::FromStr;
use url::{Host, Url};

/// Where the pages are when somebody else serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagesUrl(Url);

impl PagesUrl {
    /// One of the pages, as `device`.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }
}

impl FromStr for PagesUrl {
    type Err = String;

    /// Over TLS, for passwords are typed there; but on one's own machine.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |url: &Url| {
            let has_more = url.query().is_some() || url.fragment().is_some();
            !has_more && url.username().is_empty() && url.password().is_none()
        };
        match Url::parse(text) {
            Ok(mut url) if is_plain(&url) && is_secure(&url) => {
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Self(url))
            }
            _ => Err("it takes an address as https://login.example.org, without a query; http:// for this machine alone".to_owned()),
        }
    }
}

fn is_secure(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::PagesUrl;

    #[test]
    fn pages_have_addresses_under_it() {
        for (text, page) in [
            ("https://login.example.org", "https://login.example.org/device"),
            ("https://login.example.org/", "https://login.example.org/device"),
            ("https://example.org/login", "https://example.org/login/device"),
            ("http://localhost:8090/", "http://localhost:8090/device"),
            ("http://[::1]:8090", "http://[::1]:8090/device"),
        ] {
            let read: PagesUrl = text.parse().unwrap();
            assert_eq!(read.page("device"), page, "{text}");
        }
    }

    #[test]
    fn what_passwords_should_not_be_typed_at_is_refused() {
        for text in [
            "",
            "login.example.org",
            "http://login.example.org",
            "http://127.0.0.1.example.org",
            "ftp://example.org",
            "javascript:alert(1)",
            "https://example.org/?a=b",
            "https://example.org/#a",
            "https://ada@example.org/",
        ] {
            assert!(text.parse::<PagesUrl>().is_err(), "{text}");
        }
    }
}
