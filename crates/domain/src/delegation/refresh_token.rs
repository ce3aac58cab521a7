use super::secret::{MalformedSecret, SecretDigest, sealed, unsealed};
use crate::token_text::{BASE62, random_base62};
use chrono::{DateTime, TimeDelta, Utc};
use rand_core::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const FAMILY: usize = 22;
const OWN: usize = 32;

/// How long a refresh token is still accepted after it was replaced, whatever became of its successor: two processes of one
/// app refresh at once, and answers get lost.
pub const REFRESH_GRACE: TimeDelta = TimeDelta::seconds(60);

/// How often within [`REFRESH_GRACE`] a family's token is replaced. Beyond that, the current one stays for the moment: so
/// the replaced ones that are still accepted are few.
const MOST_ROTATIONS: usize = 8;

/// A refresh token's text: `jtr_`, 22 characters (131 bits) that all tokens of its family have in common, 32 (190 bits) of
/// its own, and a checksum, as [`PlainToken`](crate::PlainToken) has one.
///
/// The family is all that came of one authorization, each token in place of the one before. The successor is made of the
/// token itself and a salt that only the database has, so that whoever presents a token twice is given the same successor
/// twice: of a hundred at once, each holds what works, and there is one row, whatever they do. Who has stolen the salt has
/// no token, and who has stolen a token cannot make its successor.
#[derive(Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// What every refresh token starts with. A verifier takes none for a token.
    pub const PREFIX: &str = "jtr_";

    /// Makes the first of a new family.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(sealed(
            Self::PREFIX,
            (0..FAMILY + OWN).map(|_| random_base62(rng)),
        ))
    }

    /// Checks shape and checksum of what somebody sent.
    ///
    /// # Errors
    /// [`MalformedSecret`]
    pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
        unsealed(text, Self::PREFIX, FAMILY + OWN)?;
        Ok(Self(SecretString::from(text)))
    }

    fn family_text(&self) -> &str {
        let text = self.expose_secret();
        text.get(Self::PREFIX.len()..Self::PREFIX.len() + FAMILY)
            .unwrap_or_default()
    }

    /// What the database finds the family by.
    #[must_use]
    pub fn family(&self) -> SecretDigest {
        SecretDigest::of(self.family_text().as_bytes())
    }

    /// What the database keeps of the family's current one.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.expose_secret().as_bytes())
    }

    /// The token that takes the place of this one.
    #[must_use]
    pub fn successor(&self, salt: &[u8; 32]) -> Self {
        let mut own = Zeroizing::new(Vec::with_capacity(OWN + 32));
        let mut block = 0_u8;
        while own.len() < OWN {
            let mut hash = Sha256::new();
            hash.update(salt);
            hash.update([block]);
            hash.update(self.expose_secret().as_bytes());
            // As random characters are drawn.
            let bytes = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
            own.extend(
                bytes
                    .iter()
                    .filter(|byte| **byte < 248)
                    .map(|byte| BASE62[usize::from(byte % 62)]),
            );
            block = block.wrapping_add(1);
        }
        let body = self.family_text().bytes().chain(own.iter().copied().take(OWN));
        Self(sealed(Self::PREFIX, body))
    }
}

impl ExposeSecret<str> for RefreshToken {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([REDACTED])")
    }
}

/// What the database knows of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFamily {
    /// The current token's digest.
    pub digest: SecretDigest,
    /// What successors are made with.
    pub salt: [u8; 32],
    /// When the last tokens were replaced, the latest first.
    pub rotations: Vec<DateTime<Utc>>,
    /// Whether the current one was used, and stayed.
    pub is_used: bool,
}

/// What a presented token of a family is.
#[derive(Debug)]
pub enum RefreshJudgement {
    /// The current one.
    Current,
    /// One that was replaced, and is still accepted: this is the current one.
    Replaced(RefreshToken),
    /// One that was replaced too long ago, by one that was used since: two have it, and one of them has stolen it.
    Replayed,
}

impl RefreshFamily {
    /// Judges a token of the family, which is presented at this time.
    #[must_use]
    pub fn judge(&self, presented: &RefreshToken, now: DateTime<Utc>) -> RefreshJudgement {
        if presented.digest() == self.digest {
            return RefreshJudgement::Current;
        }
        let mut current = presented.successor(&self.salt);
        // Those that were replaced after the presented one, and so the first of them when it was itself.
        for (later, replaced_at) in self.rotations.iter().take(MOST_ROTATIONS).enumerate() {
            if current.digest() == self.digest {
                let successor_was_used = later > 0 || self.is_used;
                return if successor_was_used && is_over(*replaced_at, now) {
                    RefreshJudgement::Replayed
                } else {
                    RefreshJudgement::Replaced(current)
                };
            }
            current = current.successor(&self.salt);
        }
        RefreshJudgement::Replayed
    }

    /// The family once its current token, which is this one, was used by a client that can keep no secret; and the token that
    /// is current then: its successor, or itself where there were too many lately.
    #[must_use]
    pub fn rotated(mut self, current: &RefreshToken, now: DateTime<Utc>) -> (Self, RefreshToken) {
        self.rotations.truncate(MOST_ROTATIONS);
        let earliest = self.rotations.get(MOST_ROTATIONS - 1);
        if earliest.is_some_and(|earliest| !is_over(*earliest, now)) {
            self.is_used = true;
            return (self, current.clone());
        }
        let successor = current.successor(&self.salt);
        self.digest = successor.digest();
        self.rotations.insert(0, now);
        self.rotations.truncate(MOST_ROTATIONS);
        self.is_used = false;
        (self, successor)
    }
}

/// Whether the time after a replacement is over. A clock that was put back does not prolong it.
fn is_over(replaced_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let since = now - replaced_at;
    since >= REFRESH_GRACE || since <= -REFRESH_GRACE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainToken;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn first(seed: u64) -> RefreshToken {
        RefreshToken::generate(&mut StdRng::seed_from_u64(seed))
    }

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
    }

    fn text(token: &RefreshToken) -> &str {
        token.expose_secret()
    }

    fn again(token: &RefreshToken) -> RefreshToken {
        RefreshToken::parse(text(token)).unwrap()
    }

    fn family(token: &RefreshToken) -> RefreshFamily {
        RefreshFamily {
            digest: token.digest(),
            salt: [7; 32],
            rotations: Vec::new(),
            is_used: false,
        }
    }

    fn is_replayed(family: &RefreshFamily, token: &RefreshToken, secs: i64) -> bool {
        matches!(family.judge(token, at(secs)), RefreshJudgement::Replayed)
    }

    fn current(family: &RefreshFamily, token: &RefreshToken, secs: i64) -> String {
        match family.judge(token, at(secs)) {
            RefreshJudgement::Current => text(token).to_owned(),
            RefreshJudgement::Replaced(current) => text(&current).to_owned(),
            RefreshJudgement::Replayed => "replayed".to_owned(),
        }
    }

    #[test]
    fn a_refresh_token_is_no_token_and_reads_back() {
        let token = first(1);
        assert_eq!(text(&token).len(), 64);
        assert!(PlainToken::parse(text(&token)).is_err());
        assert!(PlainToken::digest_unchecked(text(&token).as_bytes()).is_err());
        assert_eq!(again(&token).digest(), token.digest());
        assert_eq!(format!("{token:?}"), "RefreshToken([REDACTED])");
    }

    #[test]
    fn a_successor_is_of_the_same_family_and_takes_the_salt_to_make() {
        let token = first(1);
        let successor = token.successor(&[1; 32]);
        assert_eq!(successor.family(), token.family());
        assert_ne!(successor.digest(), token.digest());
        assert_eq!(again(&successor).digest(), token.successor(&[1; 32]).digest());
        assert_ne!(successor.digest(), token.successor(&[2; 32]).digest());
        assert_ne!(first(2).family(), token.family());
    }

    #[test]
    fn whoever_presents_the_predecessor_within_the_grace_is_given_the_current_one() {
        let one = first(1);
        let (family, two) = family(&one).rotated(&one, at(0));
        let (family, three) = family.rotated(&two, at(10));
        for (token, secs) in [(&one, 59), (&two, 69), (&three, 1_000_000)] {
            assert_eq!(current(&family, token, secs), text(&three));
        }
        assert!(is_replayed(&family, &one, 60));
    }

    #[test]
    fn the_predecessor_works_for_as_long_as_its_successor_was_never_used() {
        let one = first(1);
        let (family, two) = family(&one).rotated(&one, at(0));
        assert_eq!(current(&family, &one, 1_000_000), text(&two));
        let (family, three) = family.rotated(&two, at(1_000_000));
        assert!(is_replayed(&family, &one, 1_000_001));
        assert_eq!(current(&family, &two, 2_000_000), text(&three));
    }

    #[test]
    fn a_token_of_the_family_that_nobody_was_given_is_replayed() {
        let one = first(1);
        let (family, _) = family(&one).rotated(&one, at(0));
        assert!(is_replayed(&family, &one.successor(&[8; 32]), 0));
    }

    #[test]
    fn rotations_are_bounded_and_nothing_is_lost_by_that() {
        let one = first(1);
        let (mut family, mut latest) = (family(&one), again(&one));
        let mut given = vec![again(&one)];
        for _ in 0..100 {
            (family, latest) = family.rotated(&latest, at(5));
            given.push(again(&latest));
        }
        assert_eq!(family.rotations.len(), MOST_ROTATIONS);
        assert!(family.is_used);
        for token in &given {
            assert_eq!(current(&family, token, 64), text(&latest));
        }
        assert!(is_replayed(&family, &given[MOST_ROTATIONS - 1], 65));
        let (_, next) = family.rotated(&latest, at(65));
        assert_ne!(text(&next), text(&latest));
    }

    #[test]
    fn a_clock_that_was_put_back_prolongs_nothing() {
        let one = first(1);
        let (family, two) = family(&one).rotated(&one, at(0));
        let (family, _) = family.rotated(&two, at(1));
        assert!(is_replayed(&family, &one, -100));
    }

    proptest! {
        /// Whatever is done when: the current one is always accepted, and of the others none that was replaced a minute ago or
        /// more and whose successor was used.
        #[test]
        fn only_what_may_be_is_accepted(steps in proptest::collection::vec(0_i64..40, 1..30), late in 0_i64..200) {
            let one = first(3);
            let (mut family, mut latest, mut now) = (family(&one), again(&one), 0);
            let mut replaced: Vec<(RefreshToken, i64)> = Vec::new();
            for step in steps {
                now += step;
                let before = again(&latest);
                (family, latest) = family.rotated(&latest, at(now));
                if text(&before) != text(&latest) {
                    replaced.push((before, now));
                }
            }
            now += late;
            prop_assert_eq!(current(&family, &latest, now), text(&latest));
            let count = replaced.len();
            for (i, (token, since)) in replaced.iter().enumerate() {
                let successor_was_used = i + 1 < count || family.is_used;
                let right = now - since >= 60 && successor_was_used;
                prop_assert_eq!(is_replayed(&family, token, now), right);
            }
        }
    }
}
