use crate::{NewPassword, Password};
use std::fmt;
use std::str::FromStr;

/// What the database keeps in place of a password: the scheme's label, `$`, and what the scheme made.
///
/// There is one scheme, `bcrypt_sha256`: bcrypt over the hexadecimal SHA-256 of the password, in the form Django's
/// `BCryptSHA256PasswordHasher` writes, so that its rows can be taken over. Another scheme would have
/// another label; [`needs_upgrade`](Self::needs_upgrade) tells which hashes a sign-in could replace.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    scheme: Scheme,
    encoded: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    BcryptSha256 { cost: BcryptCost },
}

const BCRYPT_SHA256: &str = "bcrypt_sha256$";

/// The base-2 logarithm of bcrypt's rounds: each step doubles the time of a sign-in and of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BcryptCost(u32);

/// The number is outside what bcrypt, or patience, allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bcrypt cost is a number from 4 to 18")]
pub struct InvalidBcryptCost;

/// A stored text that is no password hash of a known scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash of a known scheme")]
pub struct UnknownPasswordHash;

impl BcryptCost {
    /// Takes a cost from 4 (the least that bcrypt knows; for tests) to 18 (about half a minute a hash).
    ///
    /// # Errors
    /// [`InvalidBcryptCost`]
    pub fn new(cost: u32) -> Result<Self, InvalidBcryptCost> {
        if (4..=18).contains(&cost) {
            Ok(Self(cost))
        } else {
            Err(InvalidBcryptCost)
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for BcryptCost {
    type Err = InvalidBcryptCost;

    fn from_str(text: &str) -> Result<Self, InvalidBcryptCost> {
        Self::new(text.parse().map_err(|_| InvalidBcryptCost)?)
    }
}

impl PasswordHash {
    /// Hashes a password; takes 2^`cost` rounds, about a quarter of a second of one core at 12.
    #[must_use]
    pub fn make(password: &NewPassword, cost: BcryptCost, salt: [u8; 16]) -> Self {
        Self::of(password.as_password(), cost, salt)
    }

    /// Hashes a password again that this hash has just [verified](Self::verify_in_the_time_of): chosen it is already,
    /// perhaps by rules of another time. It takes as long as [`make`](Self::make).
    #[must_use]
    pub fn upgrade(&self, verified: &Password, cost: BcryptCost, salt: [u8; 16]) -> Self {
        Self::of(verified, cost, salt)
    }

    fn of(password: &Password, cost: BcryptCost, salt: [u8; 16]) -> Self {
        let prehash = password.prehash();
        #[expect(
            clippy::expect_used,
            reason = "fails for a cost outside 4..=31 or an input over 72 bytes, and neither can be"
        )]
        let parts =
            bcrypt::hash_with_salt(prehash.as_bytes(), cost.get(), salt).expect("valid cost and length");
        let encoded = format!(
            "{BCRYPT_SHA256}{}",
            parts.format_for_version(bcrypt::Version::TwoB)
        );
        Self {
            scheme: Scheme::BcryptSha256 { cost },
            encoded,
        }
    }

    /// A hash that no password is known for, to spend the time of a check where there is no user to check.
    #[must_use]
    pub fn of_nobody(cost: BcryptCost) -> Self {
        // 22 characters of salt and 31 of digest, all zero in bcrypt's base64.
        let encoded = format!("{BCRYPT_SHA256}$2b${:02}${}", cost.get(), ".".repeat(22 + 31));
        Self {
            scheme: Scheme::BcryptSha256 { cost },
            encoded,
        }
    }

    /// Reads what the database keeps.
    ///
    /// # Errors
    /// [`UnknownPasswordHash`]
    pub fn parse(encoded: &str) -> Result<Self, UnknownPasswordHash> {
        let modular = encoded.strip_prefix(BCRYPT_SHA256).ok_or(UnknownPasswordHash)?;
        let parts: bcrypt::HashParts = modular.parse().map_err(|_| UnknownPasswordHash)?;
        let cost = BcryptCost::new(parts.get_cost()).map_err(|_| UnknownPasswordHash)?;
        Ok(Self {
            scheme: Scheme::BcryptSha256 { cost },
            encoded: encoded.to_owned(),
        })
    }

    /// The text to store. It lets whoever has it test guesses offline, so it goes to the database and nowhere else.
    #[must_use]
    pub fn expose_encoded(&self) -> &str {
        &self.encoded
    }

    /// Whether the password is the one, always in the time of a hash of `cost` when this one is cheaper: what an
    /// older, cheaper hash saves would tell a stranger that the user exists.
    ///
    /// bcrypt at cost *n* takes 2ⁿ rounds, and 2ⁿ + 2ⁿ + 2ⁿ⁺¹ + … + 2ᶜ⁻¹ = 2ᶜ.
    #[must_use]
    pub fn verify_in_the_time_of(&self, password: &Password, cost: BcryptCost) -> bool {
        let Scheme::BcryptSha256 { cost: own } = self.scheme;
        let modular = &self.encoded[BCRYPT_SHA256.len()..];
        let prehash = password.prehash();
        let right = bcrypt::verify(prehash.as_bytes(), modular).unwrap_or(false);
        for filler in own.get()..cost.get() {
            let _ = std::hint::black_box(bcrypt::hash_with_salt(prehash.as_bytes(), filler, [0; 16]));
        }
        right
    }

    /// The cost it was made with.
    #[must_use]
    pub fn cost(&self) -> BcryptCost {
        let Scheme::BcryptSha256 { cost } = self.scheme;
        cost
    }

    /// Whether a sign-in should replace this hash: it was made with a lower cost.
    #[must_use]
    pub fn needs_upgrade(&self, cost: BcryptCost) -> bool {
        let Scheme::BcryptSha256 { cost: own } = self.scheme;
        own < cost
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({:?}, [REDACTED])", self.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Username;
    use proptest::prelude::*;

    const CHEAP: BcryptCost = BcryptCost(4);

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn hash(text: &str) -> PasswordHash {
        let new = NewPassword::choose(password(text), &Username::parse("somebody").unwrap(), None).unwrap();
        PasswordHash::make(&new, CHEAP, [7; 16])
    }

    #[test]
    fn verifies_the_password_and_no_other() {
        let stored = PasswordHash::parse(hash("correct horse battery staple").expose_encoded()).unwrap();
        assert!(stored.verify_in_the_time_of(&password("correct horse battery staple"), CHEAP));
        assert!(!stored.verify_in_the_time_of(&password("correct horse battery stapl"), CHEAP));
        assert!(!stored.verify_in_the_time_of(&password(""), BcryptCost(6)));
    }

    #[test]
    fn nothing_is_cut_off() {
        let long = "every character of a long password counts, ".repeat(4);
        let nul = format!("{long}\0 and after a NUL as well");
        let stored = hash(&nul);
        assert!(stored.verify_in_the_time_of(&password(&nul), CHEAP));
        assert!(!stored.verify_in_the_time_of(&password(&long), CHEAP));
    }

    /// The hash is what Django 5.2's `BCryptSHA256PasswordHasher().encode` returned for this password.
    #[test]
    fn reads_what_django_writes() {
        let stored =
            PasswordHash::parse("bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK")
                .unwrap();
        assert!(stored.verify_in_the_time_of(&password("correct horse battery staple"), CHEAP));
    }

    #[test]
    fn nobody_has_a_hash_that_can_be_read_and_never_matches() {
        let nobody = PasswordHash::of_nobody(CHEAP);
        assert_eq!(PasswordHash::parse(nobody.expose_encoded()), Ok(nobody.clone()));
        assert!(!nobody.verify_in_the_time_of(&password(""), CHEAP));
    }

    #[test]
    fn upgrades_lead_upwards_only() {
        let stored = hash("correct horse battery staple");
        assert!(stored.needs_upgrade(BcryptCost(5)));
        assert!(!stored.needs_upgrade(CHEAP));
    }

    #[test]
    fn an_upgraded_hash_is_of_the_same_password() {
        // Too guessable to be chosen today.
        let stored =
            PasswordHash::parse("bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK")
                .unwrap();
        let five = BcryptCost::new(5).unwrap();
        let upgraded = stored.upgrade(&password("letmein1"), five, [9; 16]);
        assert_eq!((stored.cost(), upgraded.cost()), (CHEAP, five));
        assert!(!upgraded.needs_upgrade(five));
        assert!(upgraded.verify_in_the_time_of(&password("letmein1"), CHEAP));
        assert!(!upgraded.verify_in_the_time_of(&password("letmein2"), CHEAP));
    }

    #[test]
    fn costs_out_of_range_are_refused() {
        assert_eq!(BcryptCost::new(3), Err(InvalidBcryptCost));
        assert_eq!(BcryptCost::new(19), Err(InvalidBcryptCost));
        assert_eq!(BcryptCost::new(12).unwrap().get(), 12);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in "(bcrypt_sha256\\$)?(\\$2[aby]\\$[0-9]{2}\\$)?\\PC{0,70}") {
            if let Ok(hash) = PasswordHash::parse(&text) {
                prop_assert_eq!(hash.expose_encoded(), text);
                let _ = hash.verify_in_the_time_of(&password("anything"), CHEAP);
            }
        }
    }
}
