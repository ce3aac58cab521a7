use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A code challenge of the method `S256` ([RFC 7636 §4.2]): there is no other.
///
/// [RFC 7636 §4.2]: https://www.rfc-editor.org/rfc/rfc7636#section-4.2
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// The text is no SHA-256 in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the SHA-256 of the code verifier, in base64url without padding: 43 characters")]
pub struct InvalidCodeChallenge;

impl CodeChallenge {
    /// Reads a challenge.
    ///
    /// # Errors
    /// [`InvalidCodeChallenge`]
    pub fn parse(text: &str) -> Result<Self, InvalidCodeChallenge> {
        let digest = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| InvalidCodeChallenge)?;
        if digest.len() == 32 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCodeChallenge)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the verifier that the challenge was made of: 43 to 128 characters that a URI has unencoded.
    #[must_use]
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(unreserved)
            && BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        for wrong in ["", CHALLENGE, &VERIFIER[1..], &VERIFIER.to_lowercase()] {
            assert!(!challenge.is_met_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn verifiers_have_43_to_128_characters_of_a_few_kinds() {
        let of = |verifier: &str| {
            let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
            CodeChallenge::parse(&digest).unwrap().is_met_by(verifier)
        };
        assert!(of(&"a".repeat(43)) && of(&"~".repeat(128)));
        assert!(
            !of(&"a".repeat(42)) && !of(&"a".repeat(129)) && !of(&"=".repeat(43)) && !of(&"é".repeat(43))
        );
    }

    #[test]
    fn a_challenge_is_a_digest() {
        for bad in [
            "",
            "abc",
            &CHALLENGE[1..],
            &format!("{CHALLENGE}="),
            VERIFIER,
            &CHALLENGE.replace('-', "+"),
        ] {
            // A verifier of 43 characters may be one by chance.
            assert!(CodeChallenge::parse(bad).is_err() || bad == VERIFIER, "{bad}");
        }
    }
}
