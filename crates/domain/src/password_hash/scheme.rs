//! The ways in which stored hashes were made.

use super::BcryptCost;
use crate::Password;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use sha2::Sha256;

pub(super) const BCRYPT_SHA256: &str = "bcrypt_sha256$";
/// Django's `BCryptPasswordHasher`.
const BCRYPT: &str = "bcrypt$";
/// Django's `PBKDF2PasswordHasher`: iterations, salt, and the key in base64, with `$` between them.
const PBKDF2_SHA256: &str = "pbkdf2_sha256$";

/// Ten times what Django's newest takes, and some seconds: a row must not keep a core for longer.
const MOST_ITERATIONS: u32 = 10_000_000;

/// How many iterations of PBKDF2 take as long as a round of bcrypt: about, and where a processor has instructions for
/// SHA-256. Where it has none, a third as many.
const ITERATIONS_A_ROUND: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Over the hexadecimal SHA-256 of the password: what new hashes are.
    BcryptSha256(BcryptCost),
    /// Over the password itself, of which bcrypt takes the first 72 bytes.
    Bcrypt(BcryptCost),
    Pbkdf2Sha256 {
        iterations: u32,
    },
    /// None of these, or at a cost that nobody would wait for.
    Unreadable,
}

impl Scheme {
    pub(super) fn of(encoded: &str) -> Option<Self> {
        if encoded.starts_with(PBKDF2_SHA256) {
            let iterations = Pbkdf2::parse(encoded)?.iterations;
            return Some(Self::Pbkdf2Sha256 { iterations });
        }
        let modular = modular(encoded);
        // `$2x$` is of a bcrypt that was broken, and verifies nothing.
        let known = ["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|version| modular.starts_with(version));
        let parts: bcrypt::HashParts = known.then(|| modular.parse().ok()).flatten()?;
        let cost = BcryptCost::new(parts.get_cost()).ok()?;
        Some(if encoded.starts_with(BCRYPT_SHA256) {
            Self::BcryptSha256(cost)
        } else {
            Self::Bcrypt(cost)
        })
    }

    pub(super) fn bcrypt_cost(self) -> Option<BcryptCost> {
        match self {
            Self::BcryptSha256(cost) | Self::Bcrypt(cost) => Some(cost),
            Self::Pbkdf2Sha256 { .. } | Self::Unreadable => None,
        }
    }

    /// How many rounds of bcrypt take as long as one check.
    pub(super) fn rounds(self) -> u64 {
        match self {
            Self::BcryptSha256(cost) | Self::Bcrypt(cost) => cost.rounds(),
            Self::Pbkdf2Sha256 { iterations } => u64::from(iterations / ITERATIONS_A_ROUND),
            Self::Unreadable => 0,
        }
    }

    pub(super) fn verify(self, encoded: &str, password: &Password) -> bool {
        let bcrypt = |input: &[u8]| bcrypt::verify(input, modular(encoded)).unwrap_or(false);
        let text = password.expose_secret().as_bytes();
        match self {
            Self::BcryptSha256(_) => bcrypt(password.prehash().as_bytes()),
            Self::Bcrypt(_) => bcrypt(text),
            Self::Pbkdf2Sha256 { .. } => Pbkdf2::parse(encoded).is_some_and(|stored| stored.verify(text)),
            Self::Unreadable => false,
        }
    }
}

/// What bcrypt itself made, without the label before it.
fn modular(encoded: &str) -> &str {
    let labelled = encoded.strip_prefix(BCRYPT_SHA256);
    labelled
        .or_else(|| encoded.strip_prefix(BCRYPT))
        .unwrap_or(encoded)
}

struct Pbkdf2<'a> {
    iterations: u32,
    salt: &'a str,
    key: [u8; 32],
}

impl<'a> Pbkdf2<'a> {
    fn parse(encoded: &'a str) -> Option<Self> {
        let (iterations, rest) = encoded.strip_prefix(PBKDF2_SHA256)?.split_once('$')?;
        let (salt, key) = rest.split_once('$')?;
        let iterations = iterations
            .parse()
            .ok()
            .filter(|number| (1..=MOST_ITERATIONS).contains(number))?;
        Some(Self {
            iterations,
            salt,
            key: STANDARD.decode(key).ok()?.try_into().ok()?,
        })
    }

    fn verify(&self, password: &[u8]) -> bool {
        let key: [u8; 32] =
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, self.salt.as_bytes(), self.iterations);
        // All of it is looked at, whatever differs.
        let difference = key
            .iter()
            .zip(&self.key)
            .fold(0, |all, (one, other)| all | (one ^ other));
        difference == 0
    }
}

#[cfg(test)]
mod tests {
    use crate::{BcryptCost, Password, PasswordHash};

    const PHRASE: &str = "correct horse battery staple";

    fn is_right(stored: &str, password: &str) -> bool {
        let stored = PasswordHash::read(stored);
        assert!(stored.is_readable(), "{}", stored.expose_encoded());
        stored.check(&Password::new(password.to_owned()), 16).is_right
    }

    /// The first is what Django 5.2's `BCryptSHA256PasswordHasher().encode` returned, the others are of crypt(3) and of
    /// Python's `hashlib.pbkdf2_hmac`, which Django calls.
    #[test]
    fn reads_what_others_write() {
        for stored in [
            "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK",
            "bcrypt$$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        ] {
            assert!(is_right(stored, PHRASE), "{stored}");
            assert!(!is_right(stored, "correct horse battery stapl"), "{stored}");
        }
        let umlauts = "pbkdf2_sha256$1$aBc0$po3gbOoYC4oEBSJU5SXFRkyg4ej/gFCvYiml/TYxMrc=";
        assert!(is_right(umlauts, "p\u{e4}ssword\0 and more"));
        assert!(!is_right(umlauts, "p\u{e4}ssword"));
    }

    #[test]
    fn a_hash_that_nobody_would_wait_for_or_that_is_none_is_unreadable() {
        for stored in [
            "",
            "sesame",
            "!",
            "bcrypt_sha256$$2b$20$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK",
            "bcrypt_sha256$$2b$03$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK",
            "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2x$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "pbkdf2_sha256$10000001$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
            "pbkdf2_sha256$0$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
            "pbkdf2_sha256$-1$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
            "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQ",
            "pbkdf2_sha256$1000$seasalt",
            "pbkdf2_sha1$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
            "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
        ] {
            let stored = PasswordHash::read(stored);
            assert!(!stored.is_readable(), "{}", stored.expose_encoded());
            assert!(!stored.check(&Password::new(PHRASE.to_owned()), 16).is_right);
            assert!(!stored.needs_upgrade(BcryptCost::new(18).unwrap()));
        }
    }

    #[test]
    fn those_of_other_schemes_are_upgraded_and_never_to_a_lower_cost() {
        let four = BcryptCost::new(4).unwrap();
        let upgraded = |stored: &str| {
            let stored = PasswordHash::read(stored);
            assert!(stored.needs_upgrade(four), "{}", stored.expose_encoded());
            let upgraded = stored.upgrade(&Password::new(PHRASE.to_owned()), four, [9; 16]);
            assert!(!upgraded.needs_upgrade(four));
            assert!(is_right(upgraded.expose_encoded(), PHRASE));
            upgraded.rounds()
        };
        assert_eq!(
            upgraded("pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA="),
            16
        );
        assert_eq!(
            upgraded("$2b$05$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
            32
        );
    }
}
