//! The signed tokens: made and checked by the `jsonwebtoken` crate, with ring for the cryptography.
//!
//! Its own two providers are aws-lc-rs, which wants minutes of C, and the crates of RustCrypto, whose P-256 is several
//! times slower than ring's. This one does with ring what the crate's does with aws-lc-rs, line for line: the two
//! libraries share their API and the code of these two algorithms.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use signature::{Error, Signer, Verifier};
use std::time::{SystemTime, UNIX_EPOCH};

static RING: CryptoProvider = CryptoProvider {
    signer_factory: new_signer,
    verifier_factory: new_verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn new_signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))),
        Algorithm::ES256 => {
            let rng = SystemRandom::new();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes(), &rng);
            Box::new(Es256Signer(pair.map_err(|_| ErrorKind::InvalidEcdsaKey)?))
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

fn new_verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let key = key.try_get_as_bytes()?;
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key))),
        Algorithm::ES256 => Box::new(Es256Verifier(UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            key.to_vec(),
        ))),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

struct Hs256(hmac::Key);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        hmac::verify(&self.0, message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Es256Signer(EcdsaKeyPair);

impl Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let signature = self
            .0
            .sign(&SystemRandom::new(), message)
            .map_err(|_| Error::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct Es256Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

/// What one process signs with and another one checks with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JwtKeys {
    secret: Vec<u8>,
    private: Vec<u8>,
    public: Vec<u8>,
}

/// What such tokens say: as much as a service learns from Jeton's.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    name: String,
    jti: String,
    scope: String,
    exp: u64,
}

impl JwtKeys {
    /// New ones.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> anyhow::Result<Self> {
        let failed = |_| anyhow::anyhow!("no key for ES256 could be made");
        let rng = SystemRandom::new();
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref(), &rng);
        let public = pair
            .map_err(|error| anyhow::anyhow!("{error}"))?
            .public_key()
            .as_ref()
            .to_vec();
        Ok(Self {
            secret: rand::random::<[u8; 32]>().to_vec(),
            private: private.as_ref().to_vec(),
            public,
        })
    }

    /// Signs so many tokens, for as many users.
    ///
    /// # Errors
    /// What the crate says.
    pub fn sign(&self, algorithm: Algorithm, count: usize) -> anyhow::Result<Vec<String>> {
        // Installed already is as good.
        let _ = RING.install_default();
        let key = match algorithm {
            Algorithm::HS256 => EncodingKey::from_secret(&self.secret),
            _ => EncodingKey::from_ec_der(&self.private),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = |number: usize| Claims {
            sub: uuid::Uuid::from_u128(number as u128).to_string(),
            name: crate::database::username(number),
            jti: uuid::Uuid::now_v7().to_string(),
            scope: "notes:read notes:write".to_owned(),
            exp: now + 86_400,
        };
        (0..count)
            .map(|number| Ok(encode(&Header::new(algorithm), &claims(number), &key)?))
            .collect()
    }

    /// What checks the tokens of one algorithm.
    pub fn checking(&self, algorithm: Algorithm) -> Jwt {
        let _ = RING.install_default();
        Jwt {
            key: match algorithm {
                Algorithm::HS256 => DecodingKey::from_secret(&self.secret),
                _ => DecodingKey::from_ec_der(&self.public),
            },
            validation: Validation::new(algorithm),
        }
    }
}

/// Checks signed tokens.
pub struct Jwt {
    key: DecodingKey,
    validation: Validation,
}

impl Jwt {
    /// Whether signature and expiry are right.
    pub fn verify(&self, token: &str) -> bool {
        let claims = decode::<Claims>(token, &self.key, &self.validation);
        std::hint::black_box(claims).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_signatures_are_right_and_others_are_not() {
        let (keys, others) = (JwtKeys::random().unwrap(), JwtKeys::random().unwrap());
        for algorithm in [Algorithm::HS256, Algorithm::ES256] {
            let tokens = keys.sign(algorithm, 2).unwrap();
            assert_ne!(tokens[0], tokens[1]);
            assert!(tokens.iter().all(|token| keys.checking(algorithm).verify(token)));
            assert!(!others.checking(algorithm).verify(&tokens[0]));
        }
    }
}
