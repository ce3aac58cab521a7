//! What ties the proof of a password to the server whose certificate was seen (`tls-server-end-point`, RFC 5929 §4.1).

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The certificate, hashed as it was signed: but MD5 and SHA-1 by SHA-256. `None` where that names no hash, as Ed25519.
pub(super) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, parameters) = signature_algorithm(certificate)?;
    let hash = hash_of(algorithm).or_else(|| hash_of_pss(algorithm, parameters))?;
    Some(digest(hash, certificate).as_ref().to_vec())
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];

/// By the object identifiers of RFC 8017 (A.2.4) and RFC 5758 (§3.2), as DER has them.
fn hash_of(oid: &[u8]) -> Option<&'static Algorithm> {
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    match (oid.strip_prefix(RSA), oid.strip_prefix(ECDSA)) {
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(&SHA256),
        (Some([12]), _) | (_, Some([3, 3])) => Some(&SHA384),
        (Some([13]), _) | (_, Some([3, 4])) => Some(&SHA512),
        _ => None,
    }
}

/// Of RSASSA-PSS the parameters say it, and SHA-1 is meant where they do not (RFC 8017, A.2.3).
fn hash_of_pss(oid: &[u8], parameters: &[u8]) -> Option<&'static Algorithm> {
    const HASH_ALGORITHM: u8 = 0xa0;
    const SHA_1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
    const SHA_2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    oid.strip_prefix(RSA).filter(|last| *last == [10])?;
    let (parameters, _) = element(parameters, SEQUENCE)?;
    let hash = match element(parameters, HASH_ALGORITHM) {
        Some((algorithm, _)) => element(element(algorithm, SEQUENCE)?.0, OBJECT_IDENTIFIER)?.0,
        None => SHA_1,
    };
    match (hash == SHA_1, hash.strip_prefix(SHA_2)) {
        (true, _) | (_, Some([1])) => Some(&SHA256),
        (_, Some([2])) => Some(&SHA384),
        (_, Some([3])) => Some(&SHA512),
        _ => None,
    }
}

/// RFC 5280 §4.1: a sequence of what is signed, of the algorithm, which is a sequence of its identifier and its parameters, and
/// of the signature.
fn signature_algorithm(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_, rest) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER)
}

/// The contents of the first element, if it is of this kind, and what comes after it (X.690 §8.1).
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
