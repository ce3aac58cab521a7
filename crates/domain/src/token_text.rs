use crate::TokenDigest;
use rand_core::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use zeroize::Zeroizing;

const PREFIX: &[u8] = PlainToken::PREFIX.as_bytes();
const RANDOM: usize = 32;
pub(crate) const CHECKSUM: usize = 6;
const BODY: usize = PREFIX.len() + RANDOM;
const LENGTH: usize = BODY + CHECKSUM;
pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token's text: `jtn_`, 32 random base62 characters (190 bits) and 6 base62 characters of CRC-32 (ISO-HDLC) over
/// what stands before them.
///
/// The prefix is for secret scanners, the checksum for turning a mistyped or made-up token away without asking the
/// database; neither makes guessing harder, the 190 bits do. The idea is GitHub's ([Behind GitHub's new authentication
/// token formats], 2021).
///
/// [Behind GitHub's new authentication token formats]: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
pub struct PlainToken(SecretString);

/// A text that no token can be: wrong length, prefix, characters or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a token")]
pub struct MalformedToken;

impl PlainToken {
    /// What every token starts with.
    pub const PREFIX: &str = "jtn_";

    /// Makes a new token.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut text = Zeroizing::new([0; LENGTH]);
        text[..PREFIX.len()].copy_from_slice(PREFIX);
        for slot in &mut text[PREFIX.len()..BODY] {
            *slot = random_base62(rng);
        }
        let checksum = checksum(&text[..BODY]);
        text[BODY..].copy_from_slice(&checksum);
        Self(SecretString::from(
            text.iter().copied().map(char::from).collect::<String>(),
        ))
    }

    /// Checks shape and checksum of a token that somebody sent.
    ///
    /// # Errors
    /// [`MalformedToken`]
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        Self::check(text.as_bytes())?;
        Ok(Self(SecretString::from(text)))
    }

    /// The digest of a well-formed token, straight from the text that somebody sent, copying nothing.
    ///
    /// # Errors
    /// [`MalformedToken`]
    pub fn digest_of(text: &str) -> Result<TokenDigest, MalformedToken> {
        Self::check(text.as_bytes())?;
        Ok(TokenDigest::of(text.as_bytes()))
    }

    /// The digest of a text as long as a token, whatever it is made of: for looking it up among digests of tokens, which no
    /// other text has. Where it is not found there, [`check`](Self::check) tells whether the text can be a token's at all.
    ///
    /// # Errors
    /// [`MalformedToken`], for another length.
    pub fn digest_unchecked(text: &[u8]) -> Result<TokenDigest, MalformedToken> {
        if text.len() == LENGTH {
            Ok(TokenDigest::of(text))
        } else {
            Err(MalformedToken)
        }
    }

    /// Checks shape and checksum of a text.
    ///
    /// # Errors
    /// [`MalformedToken`]
    pub fn check(text: &[u8]) -> Result<(), MalformedToken> {
        let text: &[u8; LENGTH] = text.try_into().map_err(|_| MalformedToken)?;
        // Without a branch for each byte, the compiler looks at many at once.
        let base62 = text[PREFIX.len()..]
            .iter()
            .fold(true, |all, byte| all & byte.is_ascii_alphanumeric());
        let well_formed = text.starts_with(PREFIX) && base62 && text[BODY..] == checksum(&text[..BODY]);
        if well_formed { Ok(()) } else { Err(MalformedToken) }
    }

    /// What the database keeps of this token.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.expose_secret().as_bytes())
    }
}

impl ExposeSecret<str> for PlainToken {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken([REDACTED])")
    }
}

pub(crate) fn random_base62(rng: &mut impl CryptoRng) -> u8 {
    loop {
        // 248 = 4 · 62: taking the remainder of a larger byte would favour the first characters.
        let byte = (rng.next_u32() & 0xff) as u8;
        if byte < 248 {
            return BASE62[usize::from(byte % 62)];
        }
    }
}

pub(crate) fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn token(seed: u64) -> PlainToken {
        PlainToken::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_token_has_the_documented_shape() {
        let token = token(1);
        let text = token.expose_secret();
        assert_eq!(text.len(), 42);
        assert!(text.starts_with("jtn_"));
        assert_eq!(PlainToken::parse(text).unwrap().digest(), token.digest());
        assert_eq!(PlainToken::digest_of(text).unwrap(), token.digest());
        assert_eq!(
            PlainToken::digest_unchecked(text.as_bytes()).unwrap(),
            token.digest()
        );
    }

    /// The checksum and the digest of a fixed token, computed with Python's zlib.crc32 and hashlib.sha256: what is in
    /// users' hands must stay valid.
    #[test]
    fn the_format_is_frozen() {
        let text = "jtn_0123456789ABCDEFGHIJKLMNOPQRSTUV0gITR2";
        let digest = PlainToken::digest_of(text).unwrap();
        let hex: String = digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "1b9289c233bb4e145be43052c52d8f3eb840b1449200ea3e958eb8aa817a5b3e"
        );
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token(1).expose_secret(), token(2).expose_secret());
    }

    #[test]
    fn all_characters_are_about_as_frequent() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut counts = [0_u32; 256];
        for _ in 0..62_000 {
            counts[usize::from(random_base62(&mut rng))] += 1;
        }
        // 1,000 expected of each, with a standard deviation of 31.
        assert!(
            BASE62
                .iter()
                .all(|&c| (840..1160).contains(&counts[usize::from(c)]))
        );
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(
            format!("{:?} {:?}", token(1), token(1).digest()),
            "PlainToken([REDACTED]) TokenDigest(…)"
        );
    }

    proptest! {
        #[test]
        fn a_wrong_character_is_noticed(seed: u64, at in 0..LENGTH, with in "[0-9A-Za-z_]") {
            let text = token(seed).expose_secret().to_owned();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &with);
            prop_assert_eq!(PlainToken::parse(&wrong).is_ok(), wrong == text);
        }

        #[test]
        fn two_neighbours_changing_places_is_noticed(seed: u64, at in 0..LENGTH - 1) {
            let text = token(seed).expose_secret().to_owned();
            let mut wrong = text.clone().into_bytes();
            wrong.swap(at, at + 1);
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(PlainToken::parse(&wrong).is_ok(), wrong == text);
        }

        #[test]
        fn no_input_panics(text in any::<String>(), tail in "\\PC{30,42}") {
            prop_assert!(PlainToken::parse(&text).is_err());
            let _ = PlainToken::parse(&format!("jtn_{tail}"));
        }
    }
}
