use super::*;
use actix_web::test::TestRequest;
use proptest::prelude::*;
use std::net::SocketAddr;

const PROXIES: &str = "10.0.0.0/8, 192.0.2.7 fd00::/8";

/// The client of a request that comes from 10.0.0.1, or the address given first.
fn client_from(peer: &str, headers: &[(&'static str, &str)]) -> String {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let headers = headers.as_slice();
    believing(ForwardedHeader::XForwardedFor, peer, headers)
}

fn believing(header: ForwardedHeader, peer: &str, headers: &[(&'static str, &[u8])]) -> String {
    let mut request = TestRequest::default()
        .app_data(PROXIES.parse::<TrustedProxies>().unwrap())
        .app_data(header)
        .peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
    for (name, value) in headers {
        request = request.append_header((*name, HeaderValue::from_bytes(value).unwrap()));
    }
    client_address(&request.to_http_request()).unwrap().to_string()
}

/// The client of a request from 10.0.0.1, whose header is the first of these.
fn client(headers: &[(&'static str, &str)]) -> String {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    client_by_bytes(&headers)
}

fn client_by_bytes(headers: &[(&'static str, &[u8])]) -> String {
    let header = match headers[0].0 {
        XFF => ForwardedHeader::XForwardedFor,
        _ => ForwardedHeader::Forwarded,
    };
    believing(header, "10.0.0.1", headers)
}

const PROXY: &str = "10.0.0.1";
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
        ("203.0.113.9,", "203.0.113.9"),
        ("1.1.1.1, , 203.0.113.9 ,\t, 10.2.2.2,, ", "203.0.113.9"),
        ("203.0.113.9:5123", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:5123, ::ffff:10.0.0.3", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:_hidden", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:5123", "fe80::1"),
        ("\u{fc}, 203.0.113.9", "203.0.113.9"),
        ("\", 203.0.113.9", "203.0.113.9"),
    ] {
        assert_eq!(client(&[(XFF, value)]), address, "{value}");
    }
    assert_eq!(client_by_bytes(&[(XFF, b"\xff, 203.0.113.9")]), "203.0.113.9");
    assert_eq!(
        client_by_bytes(&[(XFF, b"\xff"), (XFF, b"203.0.113.9")]),
        "203.0.113.9"
    );
    assert_eq!(client_by_bytes(&[(XFF, b"203.0.113.9"), (XFF, b"\xff")]), PROXY);
    assert_eq!(client(&[(XFF, "1.1.1.1"), (XFF, "203.0.113.9")]), "203.0.113.9");
    assert_eq!(
        client(&[(XFF, "203.0.113.9"), (XFF, ""), (XFF, " ,")]),
        "203.0.113.9"
    );
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
        // Whatever the client has sent, the proxy's own element is at the end.
        (r#"for="1.1.1.1, for=203.0.113.9"#, "203.0.113.9"),
        (r#"for=1.1.1.1, x="\", for=203.0.113.9"#, "203.0.113.9"),
        (r#"", for=203.0.113.9;by="a,\"b\"""#, "203.0.113.9"),
        (r#"for="203.0.113.9:_port""#, "203.0.113.9"),
        ("for=1.1.1.1,, for=203.0.113.9 , \t,", "203.0.113.9"),
        (r#"for="[fe80::1%eth0]:80""#, "fe80::1"),
        ("\u{fc}, for=203.0.113.9", "203.0.113.9"),
    ] {
        assert_eq!(client(&[(FWD, value)]), address, "{value}");
    }
    assert_eq!(client_by_bytes(&[(FWD, b"\xff, for=203.0.113.9")]), "203.0.113.9");
    assert_eq!(client(&[(FWD, "\""), (FWD, "for=203.0.113.9")]), "203.0.113.9");
    assert_eq!(client(&[(FWD, "for=203.0.113.9"), (FWD, "")]), "203.0.113.9");
}

#[test]
fn where_nobody_can_tell_it_is_the_proxy() {
    for (name, value) in [
        (XFF, ""),
        (XFF, " ,, "),
        (XFF, "203.0.113.9, unknown"),
        (XFF, "203.0.113.9 1.1.1.1"),
        (XFF, "203.0.113.9, 10.0.0"),
        (XFF, "fe80::1%"),
        (XFF, "203.0.113.9%eth0"),
        (XFF, "203.0.113.9:"),
        (XFF, "203.0.113.9:65536"),
        (XFF, "[fe80::1"),
        (XFF, "[2001:db8::9]5123"),
        (XFF, "[203.0.113.9]"),
        (XFF, "10.2.2.2, 10.3.3.3"),
        (XFF, "203.0.113.9, \u{fc}"),
        (FWD, ", "),
        (FWD, "for=203.0.113.9, ;"),
        (FWD, "proto=https"),
        (FWD, "for=203.0.113.9, for=unknown"),
        (FWD, "for=203.0.113.9, for=_hidden"),
        (FWD, "for=1.1.1.1;for=203.0.113.9"),
        (FWD, r#"for=1.1.1.1, for="203.0.113.9"#),
        (FWD, r#"for=1.1.1.1, for=203.0.113.9;by=""#),
    ] {
        assert_eq!(client(&[(name, value)]), "10.0.0.1", "{name}: {value}");
    }
}

#[test]
fn the_header_that_the_proxy_does_not_write_is_not_looked_at() {
    for (own, address) in [("203.0.113.9", "203.0.113.9"), ("garbage", "10.0.0.1")] {
        for other in ["for=203.0.113.9", "for=1.1.1.1", "for=unknown", "\"", "\u{fc}"] {
            assert_eq!(client(&[(XFF, own), (FWD, other)]), address, "{own}, {other}");
        }
    }
    for other in ["1.1.1.1", "unknown", "\u{fc}"] {
        assert_eq!(client(&[(FWD, "for=203.0.113.9"), (XFF, other)]), "203.0.113.9");
    }
    // Nor instead of the one that it does write.
    let from_proxy = |header, headers: &[(&'static str, &str)]| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        believing(header, PROXY, &headers)
    };
    let (de_facto, standard) = (ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded);
    assert_eq!(from_proxy(de_facto, &[(FWD, "for=1.1.1.1")]), "10.0.0.1");
    assert_eq!(from_proxy(standard, &[(XFF, "1.1.1.1")]), "10.0.0.1");
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
        prop_assert_eq!(client(&[(name, &own)]), added);
        // The same on a line of its own.
        let found = client(&[(name, &sent), (name, own.rsplit(", ").next().unwrap())]);
        prop_assert_eq!(found, added);
        // The header that the proxy does not write changes nothing.
        let other = if name == XFF { FWD } else { XFF };
        let found = client(&[(name, own.rsplit(", ").next().unwrap()), (other, &sent)]);
        prop_assert_eq!(found, added);
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
