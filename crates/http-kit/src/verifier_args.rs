use crate::DurationSetting;
use jeton_verifier::{DatabaseUrl, LONGEST_LEASE, MOST_CACHE_TOKENS, SHORTEST_LEASE, VerifierSettings};

const SHORTEST_MS: u64 = SHORTEST_LEASE.as_millis() as u64;
const LONGEST_MS: u64 = LONGEST_LEASE.as_millis() as u64;

/// How a service checks tokens.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifierArgs {
    /// How long checks are answered from memory without word from the database: 100ms to 60s. A revocation waits for so
    /// long, once, for a service that has died
    #[arg(
        long,
        env = "JETON_LEASE_TTL",
        value_name = "JETON_LEASE_TTL",
        default_value = "10s"
    )]
    lease_ttl: DurationSetting<SHORTEST_MS, LONGEST_MS>,

    /// How many tokens are remembered at the most, some 200 bytes each: 0, which is none, to 100000000
    #[arg(
        long,
        env = "JETON_CACHE_TOKENS",
        value_name = "JETON_CACHE_TOKENS",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(0..=MOST_CACHE_TOKENS as i64)
    )]
    cache_tokens: u32,
}

impl VerifierArgs {
    /// The verifier's settings.
    #[must_use]
    pub fn settings(&self, database_url: DatabaseUrl) -> VerifierSettings {
        VerifierSettings {
            lease: self.lease_ttl.0,
            cache_tokens: self.cache_tokens as usize,
            ..VerifierSettings::new(database_url)
        }
    }
}
