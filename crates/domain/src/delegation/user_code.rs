use rand_core::CryptoRng;
use std::fmt;

/// Consonants alone, and neither Y nor any that a digit looks like: no word comes of them, and case says nothing.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// What a device shows for a person to type elsewhere ([RFC 8628 §6.1]): eight letters, a dash in the middle. There are 25.6
/// billion of them, and one lives ten minutes: whoever guesses finds none, as long as guesses are bounded.
///
/// [RFC 8628 §6.1]: https://www.rfc-editor.org/rfc/rfc8628#section-6.1
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// The text is no such code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code that a device shows")]
pub struct InvalidUserCode;

impl UserCode {
    /// Makes a new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self((0..LENGTH).map(|_| letter(rng)).collect())
    }

    /// Reads what somebody has typed: in any case, with dashes and spaces wherever they are.
    ///
    /// # Errors
    /// [`InvalidUserCode`]
    pub fn parse(text: &str) -> Result<Self, InvalidUserCode> {
        let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let code: String = typed.take(LENGTH + 1).map(|c| c.to_ascii_uppercase()).collect();
        if code.len() == LENGTH && code.bytes().all(|b| ALPHABET.contains(&b)) {
            Ok(Self(code))
        } else {
            Err(InvalidUserCode)
        }
    }

    /// The letters alone, as the database has them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn letter(rng: &mut impl CryptoRng) -> char {
    loop {
        // 240 = 12 · 20: taking the remainder of a larger byte would favour the first letters.
        let byte = (rng.next_u32() & 0xff) as usize;
        if byte < 240 {
            return ALPHABET
                .get(byte % ALPHABET.len())
                .map_or('B', |b| char::from(*b));
        }
    }
}

/// As it is shown.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

/// Who knows it may decide for the device: no log has it.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::parse("BCDF-GHJK").unwrap();
        assert_eq!(
            (code.as_str(), code.to_string().as_str()),
            ("BCDFGHJK", "BCDF-GHJK")
        );
        for typed in [
            "bcdfghjk",
            "bcdf-ghjk",
            " BcDf GhJk ",
            "b-c-d-f-g-h-j-k",
            "BCDFGHJK-",
        ] {
            assert_eq!(UserCode::parse(typed), Ok(code.clone()), "{typed}");
        }
        for other in [
            "",
            "BCDF",
            "BCDFGHJ",
            "BCDFGHJKL",
            "BCDAGHJK",
            "BCD1GHJK",
            "BCDFGHJ\u{212a}",
            "ßßßß",
        ] {
            assert_eq!(UserCode::parse(other), Err(InvalidUserCode), "{other}");
        }
    }

    #[test]
    fn a_new_code_reads_back_and_has_each_letter_as_often_as_another() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut counts = [0_u32; 256];
        for _ in 0..5_000 {
            let code = UserCode::generate(&mut rng);
            assert_eq!(UserCode::parse(&code.to_string()), Ok(code.clone()));
            code.as_str().bytes().for_each(|b| counts[usize::from(b)] += 1);
        }
        let seen: Vec<u32> = ALPHABET.iter().map(|b| counts[usize::from(*b)]).collect();
        assert_eq!(seen.iter().sum::<u32>(), 40_000);
        assert!(
            seen.iter().all(|count| (1_800..2_200).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn debug_is_redacted() {
        let code = UserCode::parse("BCDFGHJK").unwrap();
        assert_eq!(format!("{code:?}"), "UserCode([REDACTED])");
    }
}
