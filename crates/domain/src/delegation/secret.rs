//! The texts that only one side keeps: of each, the database has a digest.

use crate::token_text::{CHECKSUM, checksum, random_base62};
use rand_core::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The SHA-256 of a secret's text: all that is kept of it. Each has 190 random bits or more, so a fast hash without salt is
/// enough, as for a [`TokenDigest`](crate::TokenDigest): there is nothing to guess. It is another type, so that no such
/// secret is ever looked up among tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretDigest([u8; 32]);

/// A text that no secret of this kind can be: wrong length, prefix, characters or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a text of this kind")]
pub struct MalformedSecret;

impl SecretDigest {
    pub(crate) fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The bytes, as the database keeps them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SecretDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// A prefix, what stands for it, and their checksum.
pub(super) fn sealed(prefix: &str, body: impl Iterator<Item = u8>) -> SecretString {
    let mut text = Zeroizing::new(Vec::with_capacity(128));
    text.extend_from_slice(prefix.as_bytes());
    text.extend(body);
    let checksum = checksum(&text);
    text.extend_from_slice(&checksum);
    SecretString::from(text.iter().copied().map(char::from).collect::<String>())
}

/// What stands between prefix and checksum, where all is well formed and it has this length.
pub(super) fn unsealed<'a>(text: &'a str, prefix: &str, length: usize) -> Result<&'a str, MalformedSecret> {
    if text.len() != prefix.len() + length + CHECKSUM || !text.is_ascii() {
        return Err(MalformedSecret);
    }
    let (sealed, seal) = text.split_at(text.len() - CHECKSUM);
    let body = sealed.strip_prefix(prefix).ok_or(MalformedSecret)?;
    let is_base62 = body.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_base62 && seal.as_bytes() == checksum(sealed.as_bytes()) {
        Ok(body)
    } else {
        Err(MalformedSecret)
    }
}

/// Makes a type of secret: its prefix, and how many random characters of base62 follow.
macro_rules! secret {
    ($(#[$of_type:meta])* $type:ident, $prefix:literal, $random:literal) => {
        $(#[$of_type])*
        pub struct $type(SecretString);

        impl $type {
            /// What every such text starts with, for secret scanners.
            pub const PREFIX: &str = $prefix;

            /// Makes a new one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                Self(sealed($prefix, (0..$random).map(|_| random_base62(rng))))
            }

            /// Checks shape and checksum of what somebody sent.
            ///
            /// # Errors
            /// [`MalformedSecret`]
            pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
                unsealed(text, $prefix, $random)?;
                Ok(Self(SecretString::from(text)))
            }

            /// What the database keeps of it.
            #[must_use]
            pub fn digest(&self) -> SecretDigest {
                SecretDigest::of(self.expose_secret().as_bytes())
            }
        }

        impl ExposeSecret<str> for $type {
            fn expose_secret(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "([REDACTED])"))
            }
        }
    };
}

secret! {
    /// Names a request that waits for its user's decision, to the page that shows it: for one decision.
    AuthorizationHandle, "jta_", 32
}
secret! {
    /// An authorization code ([RFC 6749 §4.1.2]).
    ///
    /// [RFC 6749 §4.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
    AuthorizationCode, "jtc_", 32
}
secret! {
    /// What a device asks with ([RFC 8628 §3.2]).
    ///
    /// [RFC 8628 §3.2]: https://www.rfc-editor.org/rfc/rfc8628#section-3.2
    DeviceCode, "jtd_", 32
}
secret! {
    /// What a confidential client proves with who it is: 256 random bits. Nobody chooses one, so that nothing slower than
    /// SHA-256 is needed.
    ClientSecret, "jts_", 43
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainToken;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn code(seed: u64) -> AuthorizationCode {
        AuthorizationCode::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_secret_reads_back_and_is_no_other_kind() {
        let mut rng = StdRng::seed_from_u64(1);
        let secret = ClientSecret::generate(&mut rng);
        let text = secret.expose_secret();
        assert_eq!(text.len(), 4 + 43 + 6);
        assert_eq!(ClientSecret::parse(text).unwrap().digest(), secret.digest());
        let code = code(1);
        assert!(AuthorizationHandle::parse(code.expose_secret()).is_err());
        assert!(DeviceCode::parse(code.expose_secret()).is_err());
        assert!(PlainToken::parse(code.expose_secret()).is_err());
        let token = PlainToken::generate(&mut rng);
        assert!(AuthorizationCode::parse(token.expose_secret()).is_err());
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(
            format!("{:?} {:?}", code(1), code(1).digest()),
            "AuthorizationCode([REDACTED]) SecretDigest(…)"
        );
    }

    proptest! {
        #[test]
        fn a_wrong_character_is_noticed(seed: u64, at in 0_usize..42, with in "[0-9A-Za-z_]") {
            let text = code(seed).expose_secret().to_owned();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &with);
            prop_assert_eq!(AuthorizationCode::parse(&wrong).is_ok(), wrong == text);
        }

        #[test]
        fn no_input_panics(text in any::<String>(), tail in "\\PC{30,50}") {
            prop_assert!(ClientSecret::parse(&text).is_err());
            let _ = AuthorizationCode::parse(&format!("jtc_{tail}"));
        }
    }
}
