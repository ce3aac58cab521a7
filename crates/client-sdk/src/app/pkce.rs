use crate::ClientError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jeton_api_types::SecretText;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// 256 random bits, as text of 43 characters that need no escaping anywhere.
pub(super) fn random_text() -> Result<String, ClientError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| ClientError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The challenge that belongs to a verifier ([RFC 7636 §4.2]): `S256`.
///
/// [RFC 7636 §4.2]: https://www.rfc-editor.org/rfc/rfc7636#section-4.2
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// A verifier, and its challenge.
pub(super) fn pair() -> Result<(SecretText, String), ClientError> {
    let verifier = random_text()?;
    let challenge = challenge(&verifier);
    Ok((verifier.into(), challenge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_api_types::ExposeSecret;

    #[test]
    fn the_challenge_is_that_of_the_specification() {
        // RFC 7636, appendix B
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_verifiers_are_alike() {
        let (one, other) = (pair().unwrap(), pair().unwrap());
        assert_eq!(one.0.expose_secret().len(), 43);
        assert_ne!(one.0.expose_secret(), other.0.expose_secret());
        assert_ne!(one.1, other.1);
    }
}
