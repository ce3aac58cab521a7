use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use actix_web::{HttpRequest, web};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word is taken on where a request comes from. None, where nothing is said.
///
/// Read from networks as `10.0.0.0/8` and addresses, with commas or spaces between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// Whom the service believes where its requests come from.
#[derive(Debug, Clone, clap::Args)]
pub struct ProxyArgs {
    /// The proxies before the service, whose X-Forwarded-For or Forwarded is believed: networks as 10.0.0.0/8 and
    /// addresses, with commas between them
    #[arg(
        long,
        env = "JETON_TRUSTED_PROXIES",
        value_name = "JETON_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true
    )]
    trusted_proxies: TrustedProxies,
}

impl ProxyArgs {
    /// Gives an app the trusted proxies, for [`client_address`] to find.
    pub fn configure(&self) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
        let proxies = self.trusted_proxies.clone();
        move |config| {
            config.app_data(proxies.clone());
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let net = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is neither a network as 10.0.0.0/8 nor an address"))?;
    Ok(match net {
        // What is compared with them is written as IPv4, however it came.
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => Ipv4Net::new_assert(v4, v6.prefix_len() - 96).into(),
            None => net,
        },
        _ => net,
    })
}

/// Where a request comes from: the address of whoever has connected or, if that is a trusted proxy, the address nearest
/// to it in `X-Forwarded-For` or `Forwarded` ([RFC 7239]) that is no trusted proxy's. What stands further away is for
/// anybody to make up. Where the headers do not tell (garbage, an obfuscated name, two that disagree), it is the
/// proxy's own. `None` where whoever has connected has no address, as with a Unix socket.
///
/// The trusted proxies are those that the app has as its data: see [`ProxyArgs::configure`].
///
/// [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let client = request
        .app_data::<TrustedProxies>()
        .and_then(|proxies| proxies.client_of(peer, request.headers()));
    Some(client.unwrap_or(peer))
}

impl TrustedProxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whom a trusted proxy speaks for; `None`: for nobody, or nobody can tell.
    fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trust(peer) {
            return None;
        }
        let de_facto = list(headers, &X_FORWARDED_FOR)?;
        let standard = list(headers, &FORWARDED)?;
        let of_de_facto = || self.nearest(de_facto.rsplit(',').map(address));
        let of_standard = || self.nearest(nodes(&standard)?.into_iter().rev());
        match (de_facto.is_empty(), standard.is_empty()) {
            (true, true) => None,
            (false, true) => of_de_facto(),
            (true, false) => of_standard(),
            // A proxy that writes one of them may let the other through as the client has sent it.
            (false, false) => of_de_facto().filter(|client| of_standard() == Some(*client)),
        }
    }

    /// The first address, from the nearest on, that is no trusted proxy's; none, if something that is no address comes
    /// before it.
    fn nearest(&self, mut path: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        path.find(|hop| !hop.is_some_and(|address| self.trust(address)))
            .flatten()
    }
}

/// All lines of a header as one list ([RFC 9110 §5.3]), empty where there is none; `None`: not readable.
///
/// [RFC 9110 §5.3]: https://www.rfc-editor.org/rfc/rfc9110#section-5.3
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Option<Vec<&str>> = headers.get_all(name).map(|line| line.to_str().ok()).collect();
    Some(lines?.join(","))
}

/// An address with or without a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => text
            .parse()
            .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
            .ok()?,
    };
    Some(address.to_canonical())
}

/// The `for` of each element of `Forwarded`, in order: an address, or `None` for whatever else stands there. `None` in
/// all, where quotes do not match: who knows then what belongs to which element.
fn nodes(value: &str) -> Option<Vec<Option<IpAddr>>> {
    let elements = split_outside_quotes(value, ',')?;
    let node = |element: &&str| {
        let pairs = split_outside_quotes(element, ';')?;
        let mut fors = pairs.into_iter().filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
        });
        let text = fors.next().filter(|_| fors.next().is_none())?;
        // An address has nothing in it that would be escaped in a quoted string.
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        address(quoted.unwrap_or(text))
    };
    Some(elements.iter().map(node).collect())
}

fn split_outside_quotes(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    const PROXIES: &str = "10.0.0.0/8, 192.0.2.7 fd00::/8";

    /// The client of a request that comes from 10.0.0.1, or the address given first.
    fn client_from(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut request = TestRequest::default()
            .app_data(PROXIES.parse::<TrustedProxies>().unwrap())
            .peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
        for (name, value) in headers {
            request = request.append_header((*name, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        }
        client_address(&request.to_http_request()).unwrap().to_string()
    }

    fn client(headers: &[(&'static str, &str)]) -> String {
        client_from("10.0.0.1", headers)
    }

    const XFF: &str = "X-Forwarded-For";
    const FWD: &str = "Forwarded";

    #[test]
    fn nobody_is_believed_who_is_no_trusted_proxy() {
        let headers = [(XFF, "203.0.113.9"), (FWD, "for=203.0.113.9")];
        assert_eq!(client_from("198.51.100.1", &headers), "198.51.100.1");
        assert_eq!(client_from("2001:db8::1", &headers), "2001:db8::1");
        assert_eq!(client_from("::ffff:198.51.100.1", &headers), "198.51.100.1");
        assert_eq!(client_from("::ffff:10.1.1.1", &headers), "203.0.113.9");
        let none = TestRequest::default()
            .peer_addr("10.0.0.1:1".parse().unwrap())
            .append_header((XFF, "203.0.113.9"));
        assert_eq!(
            client_address(&none.to_http_request()),
            Some("10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn the_nearest_that_is_no_trusted_proxy_is_the_client() {
        for (value, address) in [
            ("203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("1.1.1.1,203.0.113.9 ,10.2.2.2, 192.0.2.7", "203.0.113.9"),
            ("garbage, 203.0.113.9, fd00::1", "203.0.113.9"),
            ("203.0.113.9:5123", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("[2001:db8::9]:5123, ::ffff:10.0.0.3", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(client(&[(XFF, value)]), address, "{value}");
        }
        assert_eq!(client(&[(XFF, "1.1.1.1"), (XFF, "203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read_as_it_is_written() {
        for (value, address) in [
            ("for=203.0.113.9", "203.0.113.9"),
            (
                "for=1.1.1.1, FOR=203.0.113.9;proto=https;by=10.0.0.1",
                "203.0.113.9",
            ),
            (r#"by="a,b;for=1.1.1.1";for="203.0.113.9:80""#, "203.0.113.9"),
            (r#"for="[2001:db8::9]:4711", for=10.3.3.3"#, "2001:db8::9"),
            (r#"for=unknown, for="[2001:db8::9]""#, "2001:db8::9"),
            (r#"for="a\"b", for=203.0.113.9"#, "203.0.113.9"),
        ] {
            assert_eq!(client(&[(FWD, value)]), address, "{value}");
        }
    }

    #[test]
    fn where_nobody_can_tell_it_is_the_proxy() {
        for (name, value) in [
            (XFF, ""),
            (XFF, "203.0.113.9,"),
            (XFF, "203.0.113.9, unknown"),
            (XFF, "203.0.113.9 1.1.1.1"),
            (XFF, "203.0.113.9, 10.0.0"),
            (XFF, "fe80::1%eth0"),
            (XFF, "[203.0.113.9]"),
            (XFF, "10.2.2.2, 10.3.3.3"),
            (XFF, "203.0.113.9, \u{fc}"),
            (FWD, "proto=https"),
            (FWD, "for=203.0.113.9, for=unknown"),
            (FWD, "for=203.0.113.9, for=_hidden"),
            (FWD, "for=1.1.1.1;for=203.0.113.9"),
            // What the proxy has added would end up inside of the quotes.
            (FWD, r#"for="1.1.1.1, for=203.0.113.9"#),
            (FWD, r#"for=1.1.1.1, x="\", for=203.0.113.9"#),
        ] {
            assert_eq!(client(&[(name, value)]), "10.0.0.1", "{name}: {value}");
        }
    }

    #[test]
    fn of_two_headers_both_must_say_the_same() {
        assert_eq!(
            client(&[(XFF, "203.0.113.9"), (FWD, "for=203.0.113.9")]),
            "203.0.113.9"
        );
        assert_eq!(client(&[(XFF, "203.0.113.9"), (FWD, "for=1.1.1.1")]), "10.0.0.1");
        assert_eq!(client(&[(XFF, "1.1.1.1"), (FWD, "for=203.0.113.9")]), "10.0.0.1");
        assert_eq!(client(&[(XFF, "203.0.113.9"), (FWD, "for=unknown")]), "10.0.0.1");
    }

    #[test]
    fn proxies_are_networks_and_addresses() {
        let read = |text: &str| text.parse::<TrustedProxies>();
        assert_eq!(read(""), Ok(TrustedProxies::default()));
        assert_eq!(read(" ,").unwrap(), TrustedProxies::default());
        let mapped = read("::ffff:10.0.0.0/104").unwrap();
        assert!(mapped.trust("10.9.9.9".parse().unwrap()) && !mapped.trust("11.0.0.1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "proxy.example.org", "10.0.0.1:80", "10/8", "[::1]"] {
            assert!(read(bad).unwrap_err().contains("neither a network"), "{bad}");
        }
    }

    proptest! {
        /// Whatever a client sends, what the proxy has added is what counts.
        #[test]
        fn nobody_gets_past_what_the_proxy_adds(sent in "[ -~]{0,60}", name in prop_oneof![Just(XFF), Just(FWD)]) {
            let (added, own) = match name {
                XFF => ("203.0.113.9", format!("{sent}, 203.0.113.9")),
                _ => ("203.0.113.9", format!("{sent}, for=203.0.113.9")),
            };
            let found = client(&[(name, &own)]);
            prop_assert!(found == added || found == "10.0.0.1", "{}: {}", own, found);
            // The same on a line of its own.
            let found = client(&[(name, &sent), (name, own.rsplit(", ").next().unwrap())]);
            prop_assert!(found == added || found == "10.0.0.1", "{} / {}", sent, found);
            // And in the header that the proxy does not write.
            let other = if name == XFF { FWD } else { XFF };
            let found = client(&[(name, own.rsplit(", ").next().unwrap()), (other, &sent)]);
            prop_assert!(found == added || found == "10.0.0.1", "{} / {}", sent, found);
        }

        #[test]
        fn any_address_survives_being_written(address: IpAddr, port: u16) {
            let canonical = address.to_canonical();
            prop_assume!(!PROXIES.parse::<TrustedProxies>().unwrap().trust(canonical));
            let socket = SocketAddr::new(address, port);
            for value in [address.to_string(), socket.to_string()] {
                prop_assert_eq!(client(&[(XFF, &value)]), canonical.to_string());
            }
            let value = format!("for=\"{socket}\"");
            prop_assert_eq!(client(&[(FWD, &value)]), canonical.to_string());
        }
    }
}
