use crate::header_list;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, web};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

const TRUSTED_PROXIES: &str = "JETON_TRUSTED_PROXIES";
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word is taken on where a request comes from. None, where nothing is said.
///
/// Read from networks as `10.0.0.0/8` and addresses, with commas or spaces between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// The header that the proxies write, and that they are believed. Not the other one: a proxy passes on what it does not
/// write as the client has sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which nearly all of them write.
    #[default]
    XForwardedFor,
    /// `Forwarded`, of [RFC 7239](https://www.rfc-editor.org/rfc/rfc7239).
    Forwarded,
}

/// Whom the service believes where its requests come from.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct ProxyArgs {
    /// The proxies before the service, with commas between them: addresses, and networks as `10.0.0.0/8`
    ///
    /// A request that one of them passes on comes from where its header says; nobody else's header is believed.
    #[arg(long, env = TRUSTED_PROXIES, default_value = "", hide_default_value = true)]
    trusted_proxies: TrustedProxies,

    /// The header in which the proxies say where requests come from; the other one is ignored
    #[arg(
        long,
        env = "JETON_FORWARDED_HEADER",
        default_value = "x-forwarded-for",
        ignore_case = true
    )]
    forwarded_header: ForwardedHeader,
}

impl ProxyArgs {
    /// Gives an app the trusted proxies and their header, for [`client_address`] to find.
    pub fn configure(&self) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
        let (proxies, header) = (self.trusted_proxies.clone(), self.forwarded_header);
        move |config| {
            config.app_data(proxies.clone()).app_data(header);
        }
    }

    /// The proxies themselves.
    pub(crate) fn trusted(&self) -> TrustedProxies {
        self.trusted_proxies.clone()
    }

    /// Says so in the log where everybody is trusted: then everybody can claim any address.
    pub(crate) fn warn(&self) {
        for net in self.trusted_proxies.0.iter().filter(|net| net.prefix_len() == 0) {
            tracing::warn!(
                "{TRUSTED_PROXIES} has {net}, in which everybody is: any client can claim to come from anywhere"
            );
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
/// to it in the proxies' header that is no trusted proxy's. What stands further away is for anybody to make up, and is not
/// looked at, readable or not. Empty elements are no elements ([RFC 9110 §5.6.1]). Where the header does not tell (the nearest
/// is garbage, or an obfuscated name), it is the proxy's own. `None` where whoever has connected has no address, as with a
/// Unix socket.
///
/// The trusted proxies and their header are those that the app has as its data: see [`ProxyArgs::configure`].
///
/// [RFC 9110 §5.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let header = request.app_data::<ForwardedHeader>().copied().unwrap_or_default();
    let client = request
        .app_data::<TrustedProxies>()
        .and_then(|proxies| proxies.client_of(peer, request.headers(), header));
    Some(client.unwrap_or(peer))
}

impl TrustedProxies {
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whom a trusted proxy speaks for; `None`: for nobody, or nobody can tell.
    fn client_of(&self, peer: IpAddr, headers: &HeaderMap, header: ForwardedHeader) -> Option<IpAddr> {
        if !self.trust(peer) {
            return None;
        }
        let lines: Vec<&[u8]> = headers
            .get_all(header.name())
            .map(HeaderValue::as_bytes)
            .collect();
        let nearest_first = lines.iter().rev();
        match header {
            ForwardedHeader::XForwardedFor => {
                let elements = nearest_first.flat_map(|line| header_list::elements(line).rev());
                self.nearest(elements.map(address))
            }
            ForwardedHeader::Forwarded => {
                self.nearest(nearest_first.flat_map(|line| elements(line)).map(node))
            }
        }
    }

    /// The first address, from the nearest on, that is no trusted proxy's; none, if something that is no address comes
    /// before it.
    fn nearest(&self, mut path: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        path.find(|hop| !hop.is_some_and(|address| self.trust(address)))
            .flatten()
    }
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }
}

/// An address as proxies write it: with or without a port, in brackets where it is of IPv6 and has one, and with the zone
/// of a link ([RFC 6874]), which says something to the proxy alone and is dropped.
///
/// [RFC 6874]: https://www.rfc-editor.org/rfc/rfc6874
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (inner, port) = rest.split_once(']')?;
            (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(())?;
            IpAddr::V6(v6(inner)?)
        }
        None => match text.split_once(':') {
            Some((v4, port)) if !port.contains(':') => IpAddr::V4(v4.parse().ok().filter(|_| is_port(port))?),
            Some(_) => IpAddr::V6(v6(text)?),
            None => IpAddr::V4(text.parse().ok()?),
        },
    };
    Some(address.to_canonical())
}

fn v6(text: &str) -> Option<Ipv6Addr> {
    match text.split_once('%') {
        Some((_, zone)) if zone.is_empty() || !zone.bytes().all(|byte| byte.is_ascii_graphic()) => None,
        Some((address, _)) => address.parse().ok(),
        None => text.parse().ok(),
    }
}

/// A number, or a name that hides it ([RFC 7239 §6.3](https://www.rfc-editor.org/rfc/rfc7239#section-6.3)).
fn is_port(text: &str) -> bool {
    let is_hidden = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(is_hidden),
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

/// The elements of a line of `Forwarded`, the last one first, but for empty ones. Each is judged by itself: what the proxy has
/// added stands at the end, whatever the client has sent before it, an open quote included.
fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    let elements = std::iter::from_fn(move || {
        let line = rest?;
        let (before, element) = match last_separator(line, b',') {
            Some(place) => (Some(&line[..place]), &line[place + 1..]),
            None => (None, line),
        };
        rest = before;
        Some(element.trim_ascii())
    });
    elements.filter(|element| !element.is_empty())
}

/// The last separator that is not inside of a quoted string, looked for from the end.
fn last_separator(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    for (place, byte) in text.iter().enumerate().rev() {
        let escapes = || {
            text[..place]
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count()
        };
        if *byte == b'"' && !(quoted && escapes() % 2 == 1) {
            quoted = !quoted;
        } else if *byte == separator && !quoted {
            return Some(place);
        }
    }
    None
}

/// The `for` of an element of `Forwarded`; `None` for whatever else stands there.
fn node(element: &[u8]) -> Option<IpAddr> {
    let mut pairs = Vec::new();
    let mut rest = element;
    while let Some(place) = last_separator(rest, b';') {
        pairs.push(&rest[place + 1..]);
        rest = &rest[..place];
    }
    pairs.push(rest);
    let mut fors = pairs.into_iter().filter_map(|pair| {
        let name_ends = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at(name_ends);
        let is_for = name.trim_ascii().eq_ignore_ascii_case(b"for");
        is_for.then(|| value[1..].trim_ascii())
    });
    let text = fors.next().filter(|_| fors.next().is_none())?;
    // An address has nothing in it that would be escaped in a quoted string.
    let quoted = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    address(quoted.unwrap_or(text))
}

#[cfg(test)]
mod tests;
