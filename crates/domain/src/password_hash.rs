mod scheme;

use crate::{NewPassword, Password};
use scheme::Scheme;
use std::fmt;
use std::str::FromStr;

/// What the database keeps in place of a password: the scheme's label, `$`, and what the scheme made.
///
/// New ones are of one scheme, `bcrypt_sha256`: bcrypt over the hexadecimal SHA-256 of the password, in the form Django's
/// `BCryptSHA256PasswordHasher` writes. Rows that come from elsewhere may be of others, which are checked, and which a
/// sign-in replaces: [`needs_upgrade`](Self::needs_upgrade).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    scheme: Scheme,
    encoded: String,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Whether the password is the one.
    pub is_right: bool,
    /// The rounds of bcrypt that were done, or whose time it took.
    pub rounds: u64,
}

/// The base-2 logarithm of bcrypt's rounds: each step doubles the time of a sign-in and of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BcryptCost(u32);

/// The number is outside what bcrypt, or patience, allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bcrypt cost is a number from 4 to 18")]
pub struct InvalidBcryptCost;

impl BcryptCost {
    /// The lowest that bcrypt knows; for tests.
    pub const LOWEST: u32 = 4;
    /// The highest: about half a minute a hash. A stored hash of a higher one is not checked, either.
    pub const HIGHEST: u32 = 18;

    /// Takes a cost from 4 (the least that bcrypt knows; for tests) to 18 (about half a minute a hash).
    ///
    /// # Errors
    /// [`InvalidBcryptCost`]
    pub fn new(cost: u32) -> Result<Self, InvalidBcryptCost> {
        if (Self::LOWEST..=Self::HIGHEST).contains(&cost) {
            Ok(Self(cost))
        } else {
            Err(InvalidBcryptCost)
        }
    }

    /// How many rounds that is.
    #[must_use]
    pub fn rounds(self) -> u64 {
        1 << self.0
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

    /// Hashes a password again that this hash has just [verified](Self::check): chosen it is already, perhaps by rules of
    /// another time. It takes as long as [`make`](Self::make), or longer: what bcrypt made stays as costly as it is.
    #[must_use]
    pub fn upgrade(&self, verified: &Password, cost: BcryptCost, salt: [u8; 16]) -> Self {
        let own = self.scheme.bcrypt_cost().unwrap_or(cost);
        let normalized = verified.normalized();
        Self::of(normalized.as_ref().unwrap_or(verified), own.max(cost), salt)
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
            "{}{}",
            scheme::BCRYPT_SHA256,
            parts.format_for_version(bcrypt::Version::TwoB)
        );
        Self {
            scheme: Scheme::BcryptSha256(cost),
            encoded,
        }
    }

    /// A hash that no password is known for, to spend the time of a check where there is no user to check.
    #[must_use]
    pub fn of_nobody(cost: BcryptCost) -> Self {
        // 22 characters of salt and 31 of digest, all zero in bcrypt's base64.
        let encoded = format!(
            "{}$2b${:02}${}",
            scheme::BCRYPT_SHA256,
            cost.get(),
            ".".repeat(22 + 31)
        );
        Self {
            scheme: Scheme::BcryptSha256(cost),
            encoded,
        }
    }

    /// Reads what the database keeps. What it cannot read is [nobody's password](Self::is_readable), and checking it takes as
    /// long as any check: whoever has such a hash is not to be told from others.
    #[must_use]
    pub fn read(encoded: &str) -> Self {
        Self {
            scheme: Scheme::of(encoded).unwrap_or(Scheme::Unreadable),
            encoded: encoded.to_owned(),
        }
    }

    /// Whether the scheme is one that is known, at a cost that a check can be made of.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.scheme != Scheme::Unreadable
    }

    /// The text to store. It lets whoever has it test guesses offline, so it goes to the database and nowhere else.
    #[must_use]
    pub fn expose_encoded(&self) -> &str {
        &self.encoded
    }

    /// Whether the password is the one, in the time of so many rounds of bcrypt, or of its own if those are more: what a
    /// cheaper hash saves would tell a stranger that the user exists.
    ///
    /// bcrypt at cost *n* takes 2ⁿ rounds, so that any number is a sum of some, but for what is less than the lowest cost.
    ///
    /// A hash may be of the password as it was typed once, and not in the form that new ones are made of
    /// ([`Password::normalized`]). So where the two differ, and the one is not right, the other is looked at, too, whosever
    /// hash it is and in as much time again. It is one guess all the same: both are one password.
    #[must_use]
    pub fn check(&self, password: &Password, rounds: u64) -> Checked {
        let Some(normalized) = password.normalized() else {
            return self.check_form(password, rounds);
        };
        let first = self.check_form(&normalized, rounds);
        if first.is_right {
            return first;
        }
        let second = self.check_form(password, rounds);
        Checked {
            is_right: second.is_right,
            rounds: first.rounds + second.rounds,
        }
    }

    fn check_form(&self, password: &Password, rounds: u64) -> Checked {
        let is_right = self.scheme.verify(&self.encoded, password);
        let missing = rounds.saturating_sub(self.rounds());
        let mut done = self.rounds();
        for filler in (BcryptCost::LOWEST..=BcryptCost::HIGHEST + 1).filter(|cost| missing >> cost & 1 == 1) {
            let prehash = password.prehash();
            let _ = std::hint::black_box(bcrypt::hash_with_salt(prehash.as_bytes(), filler, [0; 16]));
            done += 1 << filler;
        }
        Checked {
            is_right,
            rounds: done,
        }
    }

    /// How many rounds of bcrypt a check takes, or how many take as long.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.scheme.rounds()
    }

    /// Whether this is the hash of a password that it has just [verified](Self::check) as it was typed, and not of the form
    /// that new hashes are made of: a sign-in should replace it. It takes as long as the check did, unless the two are the same.
    #[must_use]
    pub fn is_of_typed(&self, verified: &Password) -> bool {
        let normalized = verified.normalized();
        normalized.is_some_and(|normalized| !self.scheme.verify(&self.encoded, &normalized))
    }

    /// Whether a sign-in should replace this hash: it is of another scheme than new ones, or was made with a lower cost.
    #[must_use]
    pub fn needs_upgrade(&self, cost: BcryptCost) -> bool {
        match self.scheme {
            Scheme::BcryptSha256(own) => own < cost,
            Scheme::Bcrypt(_) | Scheme::Pbkdf2Sha256 { .. } => true,
            Scheme::Unreadable => false,
        }
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
    use proptest::prelude::*;

    const CHEAP: BcryptCost = BcryptCost(4);

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn hash(text: &str) -> PasswordHash {
        let new = NewPassword::choose(password(text), "somebody", None).unwrap();
        PasswordHash::make(&new, CHEAP, [7; 16])
    }

    fn verifies(hash: &PasswordHash, text: &str) -> bool {
        hash.check(&password(text), CHEAP.rounds()).is_right
    }

    #[test]
    fn verifies_the_password_and_no_other() {
        let stored = PasswordHash::read(hash("correct horse battery staple").expose_encoded());
        assert!(verifies(&stored, "correct horse battery staple"));
        assert!(!verifies(&stored, "correct horse battery stapl"));
        assert!(!stored.check(&password(""), BcryptCost(6).rounds()).is_right);
    }

    #[test]
    fn nothing_is_cut_off() {
        let long = "every character of a long password counts, ".repeat(4);
        let nul = format!("{long}\0 and after a NUL as well");
        let stored = hash(&nul);
        assert!(verifies(&stored, &nul));
        assert!(!verifies(&stored, &long));
    }

    const TYPED: &str = "le\u{301}gume\u{a0}tre\u{300}s vert";
    const NORMALIZED: &str = "légume très vert";

    #[test]
    fn a_password_is_right_however_it_is_typed() {
        for set in [TYPED, NORMALIZED] {
            let stored = PasswordHash::read(hash(set).expose_encoded());
            for typed in [TYPED, NORMALIZED] {
                assert!(verifies(&stored, typed), "{set} {typed}");
                assert!(!stored.is_of_typed(&password(typed)), "{set} {typed}");
            }
            assert!(!verifies(&stored, "legume tres vert"));
        }
    }

    /// As it was before passwords were normalized, and as others do it still.
    #[test]
    fn a_hash_of_what_was_typed_stays_right_until_it_is_made_anew() {
        let stored = PasswordHash::of(&password(TYPED), CHEAP, [7; 16]);
        assert!(verifies(&stored, TYPED));
        // Nobody knows how it was typed, but who types it.
        assert!(!verifies(&stored, NORMALIZED));
        assert!(!stored.needs_upgrade(CHEAP) && stored.is_of_typed(&password(TYPED)));
        let upgraded = stored.upgrade(&password(TYPED), CHEAP, [9; 16]);
        for typed in [TYPED, NORMALIZED] {
            assert!(verifies(&upgraded, typed));
            assert!(!upgraded.is_of_typed(&password(typed)));
        }
    }

    /// Else the time would tell whose hash is of which form, or that there is one.
    #[test]
    fn a_wrong_password_takes_the_same_time_whatever_the_hash_is_of() {
        let hashes = [
            hash(NORMALIZED),
            PasswordHash::of(&password(TYPED), CHEAP, [7; 16]),
            PasswordHash::of_nobody(CHEAP),
            PasswordHash::read("sesame"),
        ];
        for stored in hashes {
            for (wrong, rounds) in [("wrong", 64), ("wro\u{a0}ng", 2 * 64)] {
                let checked = stored.check(&password(wrong), 64);
                assert_eq!((checked.is_right, checked.rounds), (false, rounds), "{wrong:?}");
            }
        }
    }

    #[test]
    fn nobody_has_a_hash_that_can_be_read_and_never_matches() {
        let nobody = PasswordHash::of_nobody(CHEAP);
        assert_eq!(PasswordHash::read(nobody.expose_encoded()), nobody);
        assert!(nobody.is_readable());
        assert!(!verifies(&nobody, ""));
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
            PasswordHash::read("bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK");
        let five = BcryptCost::new(5).unwrap();
        let upgraded = stored.upgrade(&password("letmein1"), five, [9; 16]);
        assert_eq!((stored.rounds(), upgraded.rounds()), (16, 32));
        assert!(!upgraded.needs_upgrade(five));
        assert!(verifies(&upgraded, "letmein1"));
        assert!(!verifies(&upgraded, "letmein2"));
    }

    #[test]
    fn costs_out_of_range_are_refused() {
        assert_eq!(BcryptCost::new(3), Err(InvalidBcryptCost));
        assert_eq!(BcryptCost::new(19), Err(InvalidBcryptCost));
        assert_eq!(BcryptCost::new(12).unwrap().get(), 12);
    }

    #[test]
    fn a_check_takes_the_rounds_that_it_is_to_take() {
        let rounds = |hash: PasswordHash, rounds| hash.check(&password("whatever it is"), rounds).rounds;
        for asked in [16, 32, 48, 1 << 6, (1 << 6) + 16] {
            assert_eq!(rounds(hash("correct horse battery staple"), asked), asked);
            assert_eq!(rounds(PasswordHash::read("sesame"), asked), asked);
        }
        assert_eq!(rounds(PasswordHash::of_nobody(BcryptCost(6)), 16), 64);
        // Less than the cheapest bcrypt is not worth it.
        assert_eq!(rounds(hash("correct horse battery staple"), 31), 16);
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_keeps_the_text(
            text in "(bcrypt_sha256\\$|bcrypt\\$)?(\\$2[aby]\\$[0-9]{2}\\$)?\\PC{0,70}|pbkdf2_sha256\\$[0-9]{0,4}\\$\\PC{0,9}\\$\\PC{0,44}"
        ) {
            let hash = PasswordHash::read(&text);
            prop_assert_eq!(hash.expose_encoded(), text);
            if hash.rounds() <= 1 << 6 {
                let _ = verifies(&hash, "anything");
            }
        }
    }
}
