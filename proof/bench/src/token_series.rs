use jeton_domain::{ExposeSecret, PlainToken, TokenDigest};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

/// Tokens that every process of a run can make for itself: the same number gives the same token. Guessable, and fit
/// for nothing but a database that is thrown away.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TokenSeries {
    seed: u64,
}

impl TokenSeries {
    /// A series of its own.
    pub fn random() -> Self {
        Self { seed: rand::random() }
    }

    fn token(self, number: usize) -> PlainToken {
        let seed = self.seed.wrapping_add(number as u64);
        PlainToken::generate(&mut StdRng::seed_from_u64(seed))
    }

    /// The text of a token.
    pub fn text(self, number: usize) -> String {
        self.token(number).expose_secret().to_owned()
    }

    /// What the database keeps of it.
    pub fn digest(self, number: usize) -> TokenDigest {
        self.token(number).digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_token() {
        let series = TokenSeries::random();
        assert_eq!(series.text(7), series.text(7));
        assert_ne!(series.text(7), series.text(8));
        assert_eq!(PlainToken::digest_of(&series.text(7)), Ok(series.digest(7)));
    }
}
