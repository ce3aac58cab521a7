use crate::resource::in_uri;

/// The most bytes that a redirect URI may have.
pub const MAX_REDIRECT_URI_LENGTH: usize = 1024;

/// Where plain HTTP never leaves the machine ([RFC 8252 §7.3]).
///
/// [RFC 8252 §7.3]: https://www.rfc-editor.org/rfc/rfc8252#section-7.3
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// A URI that users are sent back to: `https`, or `http` to this machine, or a scheme of an app's own, which has a dot in it
/// ([RFC 8252 §7.1]), so that it is none that a browser does something else with. No user, no fragment.
///
/// [RFC 8252 §7.1]: https://www.rfc-editor.org/rfc/rfc8252#section-7.1
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedirectUri(String);

/// Why users cannot be sent back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Not what a URI is, or with a fragment, or too long.
    #[error(
        "must be an absolute URI without fragment, of at most {MAX_REDIRECT_URI_LENGTH} ASCII characters"
    )]
    Malformed,
    /// Plain HTTP to another machine.
    #[error("must be https; http is for 127.0.0.1, [::1] and localhost alone")]
    PlainHttp,
    /// A scheme without dot.
    #[error(
        "a scheme of an app's own is a domain name in reverse, as com.example.app: it has a dot, and lower case"
    )]
    Scheme,
    /// A host that is none, or with a user before it.
    #[error("must name a host, without user name, and a port only as a number")]
    Host,
}

impl RedirectUri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`InvalidRedirectUri`]
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        let malformed =
            text.len() > MAX_REDIRECT_URI_LENGTH || !text.bytes().all(in_uri) || !percents_are_right(text);
        let (scheme, rest) = text.split_once(':').ok_or(InvalidRedirectUri::Malformed)?;
        if malformed || rest.is_empty() {
            return Err(InvalidRedirectUri::Malformed);
        }
        match scheme {
            "https" => {
                authority(rest).ok_or(InvalidRedirectUri::Host)?;
            }
            "http" => {
                authority(rest).ok_or(InvalidRedirectUri::Host)?;
                without_port(text).ok_or(InvalidRedirectUri::PlainHttp)?;
            }
            own => {
                let allowed =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
                let starts = own.starts_with(|c: char| c.is_ascii_lowercase());
                if !own.contains('.') || !starts || !own.bytes().all(allowed) {
                    return Err(InvalidRedirectUri::Scheme);
                }
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request may name this text: it is the same, byte by byte; or to this machine, and the same but for the port,
    /// which an app cannot know before it listens.
    #[must_use]
    pub fn allows(&self, presented: &str) -> bool {
        presented == self.0
            || without_port(&self.0).is_some_and(|registered| without_port(presented) == Some(registered))
    }

    /// Who is sent there, as a user is told: the host; of an app's own scheme, the scheme.
    #[must_use]
    pub fn host(&self) -> &str {
        let (scheme, rest) = self.0.split_once(':').unwrap_or(("", &self.0));
        match authority(rest) {
            Some((host, _)) if matches!(scheme, "https" | "http") => host,
            _ => scheme,
        }
    }

    /// Whether any program on the user's machine could be the one that listens there: nothing but the user's own consent tells
    /// that this is the client.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        !self.0.starts_with("https:")
    }
}

/// Each percent sign has two hexadecimal digits after it.
fn percents_are_right(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

/// The host and the port of what follows a scheme's colon.
fn authority(rest: &str) -> Option<(&str, Option<u16>)> {
    let rest = rest.strip_prefix("//")?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    let end_of_host = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end_of_host);
    let is_host = match host.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => Some(number(digits)?),
        None if port.is_empty() => None,
        None => return None,
    };
    is_host.then_some((host, port))
}

fn number(digits: &str) -> Option<u16> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    all_digits.then_some(number)
}

/// Of a URI to this machine, what stands before and after the port.
fn without_port(text: &str) -> Option<(&'static str, &str)> {
    LOOPBACK.iter().find_map(|origin| {
        let rest = text.strip_prefix(origin)?;
        let path = rest.find(['/', '?']).unwrap_or(rest.len());
        let (port, path) = rest.split_at(path);
        let is_port = match port.strip_prefix(':') {
            Some(digits) => number(digits).is_some(),
            None => port.is_empty(),
        };
        is_port.then_some((*origin, path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap()
    }

    #[test]
    fn what_users_can_be_sent_back_to() {
        for (good, host, of_this_machine) in [
            ("https://app.example", "app.example", false),
            ("https://app.example/", "app.example", false),
            ("https://app.example:8443/callback?x=1", "app.example", false),
            ("https://[2001:db8::1]/cb", "[2001:db8::1]", false),
            ("http://127.0.0.1/cb", "127.0.0.1", true),
            ("http://127.0.0.1:8765/cb", "127.0.0.1", true),
            ("http://[::1]:8765", "[::1]", true),
            ("http://localhost/cb", "localhost", true),
            ("com.example.app:/callback", "com.example.app", true),
            ("com.example.app://callback", "com.example.app", true),
        ] {
            assert_eq!(uri(good).host(), host, "{good}");
            assert_eq!(uri(good).is_of_this_machine(), of_this_machine, "{good}");
        }
    }

    #[test]
    fn what_users_cannot_be_sent_back_to() {
        use InvalidRedirectUri as Why;
        for (bad, why) in [
            ("", Why::Malformed),
            ("callback", Why::Malformed),
            ("//app.example/cb", Why::Malformed),
            ("https:", Why::Malformed),
            ("https://app.example/#", Why::Malformed),
            ("https://app.example/a b", Why::Malformed),
            ("https://app.example/%2", Why::Malformed),
            ("https://app.example/%zz", Why::Malformed),
            ("https://app.example\\@evil.example", Why::Malformed),
            ("https://äpp.example/", Why::Malformed),
            ("https://app.example/\r\nX: y", Why::Malformed),
            ("https:app.example", Why::Host),
            ("https:///cb", Why::Host),
            ("https://app.example@evil.example/", Why::Host),
            ("https://app.example:@evil.example/", Why::Host),
            ("https://app.example:443x/", Why::Host),
            ("https://app.example:+443/", Why::Host),
            ("https://app.example:0/", Why::Host),
            ("https://app.example:65536/", Why::Host),
            ("https://*.example/", Why::Host),
            ("https://[::1/", Why::Host),
            ("http://app.example/", Why::PlainHttp),
            ("http://127.0.0.1.evil.example/", Why::PlainHttp),
            ("http://localhost.evil.example/", Why::PlainHttp),
            ("http://127.0.0.2/", Why::PlainHttp),
            ("http://LOCALHOST/", Why::PlainHttp),
            ("HTTPS://app.example/", Why::Scheme),
            ("javascript:alert(1)", Why::Scheme),
            ("data:text/html,x", Why::Scheme),
            ("myapp://callback", Why::Scheme),
            ("file:///etc/passwd", Why::Scheme),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad}");
        }
        let long = format!("https://app.example/{}", "x".repeat(1024));
        assert_eq!(RedirectUri::parse(&long), Err(Why::Malformed));
    }

    #[test]
    fn redirect_uris_match_byte_by_byte() {
        let registered = uri("https://app.example/callback");
        assert!(registered.allows("https://app.example/callback"));
        for other in [
            "https://app.example/callback/",
            "https://app.example/Callback",
            "https://app.example/callbac%6b",
            "https://app.example/callback?",
            "https://app.example/callback?x=1",
            "https://app.example/callback#",
            "https://app.example/callback/../callback",
            "https://app.example:443/callback",
            "https://APP.example/callback",
            "https://app.example./callback",
            "https://app.example@evil.example/callback",
            "https://user@app.example/callback",
            "https://evil.example/https://app.example/callback",
            "https://app.example.evil.example/callback",
            "http://app.example/callback",
            "HTTPS://app.example/callback",
            " https://app.example/callback",
            "https://app.example/callback\n",
            "",
        ] {
            assert!(!registered.allows(other), "{other:?}");
        }
    }

    #[test]
    fn only_the_port_of_this_machine_is_free() {
        for origin in LOOPBACK {
            for registered in [format!("{origin}/cb"), format!("{origin}:1234/cb")] {
                let registered = uri(&registered);
                for port in ["", ":1", ":51004", ":65535"] {
                    assert!(registered.allows(&format!("{origin}{port}/cb")), "{origin}{port}");
                }
                for other in [
                    ":/cb",
                    ":0/cb",
                    ":65536/cb",
                    ":80x/cb",
                    ":80@evil.example/cb",
                    "@evil.example/cb",
                    ".evil.example/cb",
                    ":80/cb/",
                    ":80/CB",
                    ":80/cb?x",
                    ":80/cb#x",
                    ":80\\@evil.example/cb",
                    ":+80/cb",
                    ":80",
                ] {
                    assert!(!registered.allows(&format!("{origin}{other}")), "{origin}{other}");
                }
            }
        }
        assert!(!uri("http://127.0.0.1/cb").allows("http://localhost/cb"));
        assert!(!uri("http://localhost/cb").allows("https://localhost/cb"));
        assert!(!uri("http://127.0.0.1/cb").allows("http://127.1:80/cb"));
        assert!(!uri("https://localhost:80/cb").allows("https://localhost:81/cb"));
    }

    proptest! {
        #[test]
        fn no_input_panics(text in any::<String>(), tail in "[ -~]{0,60}") {
            let _ = RedirectUri::parse(&text);
            let registered = uri("http://127.0.0.1/cb");
            for start in ["https://", "http://localhost", "com.example.app:"] {
                let text = format!("{start}{tail}");
                if let Ok(uri) = RedirectUri::parse(&text) {
                    prop_assert!(uri.allows(&text) && !uri.host().is_empty());
                    prop_assert!(!registered.allows(&text));
                }
            }
        }
    }
}
