//! `X-Request-Id`, `X-Forwarded-For` and `Forwarded`: a line each, that begins with `i:`, `x:` or `f:`.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpRequest};
use jeton_http_kit::{ForwardedHeader, RequestId, TrustedProxies, client_address};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const PROXIES: &str = "10.0.0.0/8, 192.0.2.7 fd00::/8";
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

const ID: &str = "x-request-id";
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

type Header = (&'static str, Vec<u8>);

pub fn check(data: &[u8]) {
    let headers: Vec<Header> = data.split(|byte| *byte == b'\n').filter_map(header).collect();
    let Some(request) = request(PROXY, ForwardedHeader::default(), &headers) else {
        return;
    };
    check_id(&request, &headers);
    for (believed, name, added) in [
        (ForwardedHeader::XForwardedFor, X_FORWARDED_FOR, "203.0.113.9"),
        (ForwardedHeader::Forwarded, FORWARDED, "for=203.0.113.9"),
    ] {
        check_address(believed, name, added, &headers);
    }
}

fn header(line: &[u8]) -> Option<Header> {
    let name = match line.get(..2)? {
        b"i:" => ID,
        b"x:" => X_FORWARDED_FOR,
        b"f:" => FORWARDED,
        _ => return None,
    };
    Some((name, line[2..].to_vec()))
}

fn request(peer: IpAddr, believed: ForwardedHeader, headers: &[Header]) -> Option<HttpRequest> {
    let mut request = TestRequest::default()
        .peer_addr(SocketAddr::new(peer, 4711))
        .app_data(believed);
    request = request.app_data(PROXIES.parse::<TrustedProxies>().ok()?);
    for (name, value) in headers {
        request = request.append_header((*name, HeaderValue::from_bytes(value).ok()?));
    }
    Some(request.to_http_request())
}

/// One that is plain is taken to the letter, and nothing of any other.
fn check_id(request: &HttpRequest, headers: &[Header]) {
    let Ok(id) = RequestId::from_request(request, &mut Payload::None).into_inner();
    let mut sent = headers.iter().filter(|(name, _)| *name == ID);
    let only = sent.next().filter(|_| sent.next().is_none());
    let plain = only
        .and_then(|(_, id)| std::str::from_utf8(id).ok())
        .filter(|id| is_plain(id));
    match plain {
        Some(plain) => assert_eq!(id.as_str(), plain),
        None => {
            let version = uuid::Uuid::parse_str(id.as_str()).map(|id| id.get_version_num());
            assert_eq!(version, Ok(7), "{id}");
        }
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=@".contains(c);
    (1..=64).contains(&id.len()) && id.chars().all(plain) && !id.contains("jtn_")
}

/// Of the header that is believed; `added` is what the proxy writes there for a stranger.
fn check_address(believed: ForwardedHeader, name: &'static str, added: &str, headers: &[Header]) {
    let address = |peer, headers: &[Header]| client_address(&request(peer, believed, headers)?);
    let found = address(PROXY, headers);
    // The proxy's, where nobody can tell; else somebody's who is no proxy.
    if let Some(client) = found.filter(|address| *address != PROXY) {
        assert!(!is_proxy(client) && client == client.to_canonical(), "{client}");
    }
    // No other header matters.
    let mut one = headers.to_vec();
    one.retain(|(header, _)| *header == name);
    assert_eq!(address(PROXY, &one), found, "{name}");
    // Who is no proxy is believed nothing.
    assert_eq!(address(STRANGER, headers), Some(STRANGER));
    // Whatever a client sends: what the proxy adds is what counts, on a line of its own or on the same.
    let mut own_line = headers.to_vec();
    own_line.push((name, added.into()));
    let mut same_line = headers.to_vec();
    match same_line.iter_mut().rfind(|(header, _)| *header == name) {
        Some((_, last)) => last.extend(format!(", {added}").bytes()),
        None => same_line.clone_from(&own_line),
    }
    for headers in [own_line, same_line] {
        assert_eq!(address(PROXY, &headers), Some(STRANGER));
    }
}

fn is_proxy(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 10 || v4 == Ipv4Addr::new(192, 0, 2, 7),
        IpAddr::V6(v6) => v6.octets()[0] == 0xfd,
    }
}
