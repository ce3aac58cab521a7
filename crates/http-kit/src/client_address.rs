use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use actix_web::{HttpRequest, web};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, SocketAddr};
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
/// to it in the proxies' header that is no trusted proxy's. What stands further away is for anybody to make up. Where
/// the header does not tell (garbage, an obfuscated name), it is the proxy's own. `None` where whoever has connected has
/// no address, as with a Unix socket.
///
/// The trusted proxies and their header are those that the app has as its data: see [`ProxyArgs::configure`].
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
        match header {
            ForwardedHeader::XForwardedFor => {
                let list = list(headers, &X_FORWARDED_FOR)?;
                self.nearest(list.rsplit(',').map(address))
            }
            ForwardedHeader::Forwarded => {
                let list = list(headers, &FORWARDED)?;
                self.nearest(nodes(&list)?.into_iter().rev())
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
mod tests;
