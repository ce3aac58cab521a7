use serde::{Deserialize, Deserializer, de};
use std::net::IpAddr;

/// Whether a text says a network: by an address, or as any may be listed, of whatever size.
fn is_network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let is_length = |text: &str| (0..=longest).any(|length: u8| length.to_string() == text);
    prefix.is_none_or(is_length)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_network(&text) {
        Ok(text)
    } else {
        Err(de::Error::custom("is no network"))
    }
}

#[cfg(test)]
mod tests {
    use crate::UnblockNetworkRequest;

    #[test]
    fn a_network_is_said_by_an_address_or_as_it_is_listed() {
        for (text, right) in [
            ("203.0.113.9", true),
            ("203.0.113.9/32", true),
            ("203.0.113.0/24", true),
            ("0.0.0.0/0", true),
            ("2001:db8::9", true),
            ("2001:db8::/64", true),
            ("2001:db8::/48", true),
            ("::ffff:203.0.113.9/128", true),
            ("203.0.113.9/33", false),
            ("2001:db8::/129", false),
            ("2001:db8::/064", false),
            ("203.0.113.9/", false),
            ("203.0.113.9/32/32", false),
            ("", false),
        ] {
            let body = serde_json::json!({ "address": text });
            let read = serde_json::from_value::<UnblockNetworkRequest>(body);
            assert_eq!(read.is_ok(), right, "{text}");
        }
    }
}
