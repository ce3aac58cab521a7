//! The text of a token: taken exactly where it has the documented shape.

use jeton_domain::{ExposeSecret, PlainToken};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 32;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_one(&text);
    // The same characters as the random part of a token, with the checksum that goes with them.
    let random = data.iter().map(|byte| char::from(BASE62[usize::from(byte % 62)]));
    let body: String = "jtn_"
        .chars()
        .chain(random.chain(std::iter::repeat('0')).take(RANDOM))
        .collect();
    let token = format!("{body}{}", checksum(&body));
    check_one(&token);
    assert!(PlainToken::parse(&token).is_ok());
    check_slips(&token, data);
}

/// One character that is another, or two neighbours that have changed places, make it no token.
fn check_slips(token: &str, data: &[u8]) {
    let number = |at: usize| usize::from(data.get(RANDOM + at).copied().unwrap_or_default());
    let mut other = token.as_bytes().to_vec();
    other[number(0) % token.len()] = BASE62[number(1) % 62];
    let mut swapped = token.as_bytes().to_vec();
    let at = number(2) % (token.len() - 1);
    swapped.swap(at, at + 1);
    for slip in [other, swapped] {
        let slip = String::from_utf8_lossy(&slip);
        assert_eq!(PlainToken::parse(&slip).is_ok(), slip == token, "{slip}");
    }
}

fn check_one(text: &str) {
    let (parsed, digest) = (PlainToken::parse(text), PlainToken::digest_of(text));
    assert_eq!(parsed.is_ok(), is_token(text), "{text:?}");
    assert_eq!(
        parsed.as_ref().map(PlainToken::digest),
        digest
            .as_ref()
            .copied()
            .map_err(|_| &jeton_domain::MalformedToken)
    );
    if let Ok(token) = parsed {
        assert_eq!(token.expose_secret(), text);
        assert!(!format!("{token:?} {digest:?}").contains(text));
    }
}

fn is_token(text: &str) -> bool {
    text.len() == 42
        && text
            .strip_prefix("jtn_")
            .is_some_and(|rest| rest.bytes().all(|byte| BASE62.contains(&byte)))
        && text[36..] == checksum(&text[..36])
}

/// CRC-32 (ISO-HDLC), bit by bit, as six digits.
fn checksum(body: &str) -> String {
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let crc = !crc;
    let digit = |power: u32| char::from(BASE62[(crc / 62_u32.pow(power) % 62) as usize]);
    (0..6).rev().map(digit).collect()
}
