use serde::{Deserialize, Deserializer, de};
use std::net::IpAddr;

/// An address of the network that a text says: any address of it, or the network as it is listed, which of IPv6 is a /64.
#[must_use]
pub fn address_of_network(text: &str) -> Option<IpAddr> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let listed = if address.is_ipv4() { "32" } else { "64" };
    prefix.is_none_or(|prefix| prefix == listed).then_some(address)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    address_of_network(&text).ok_or_else(|| de::Error::custom("is no network"))
}

#[cfg(test)]
mod tests {
    use super::address_of_network;
    use crate::UnblockNetworkRequest;

    #[test]
    fn a_network_is_said_by_an_address_or_as_it_is_listed() {
        for (text, address) in [
            ("203.0.113.9", Some("203.0.113.9")),
            ("203.0.113.9/32", Some("203.0.113.9")),
            ("2001:db8::9", Some("2001:db8::9")),
            ("2001:db8::/64", Some("2001:db8::")),
            ("203.0.113.0/24", None),
            ("2001:db8::/48", None),
            ("2001:db8::/064", None),
            ("203.0.113.9/", None),
            ("203.0.113.9/32/32", None),
            ("", None),
        ] {
            assert_eq!(
                address_of_network(text),
                address.map(|one| one.parse().unwrap()),
                "{text}"
            );
            let body = serde_json::json!({ "address": text });
            let read = serde_json::from_value::<UnblockNetworkRequest>(body);
            assert_eq!(read.is_ok(), address.is_some(), "{text}");
        }
    }
}
