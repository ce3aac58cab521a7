use crate::{DurationSetting, NumberSetting};
use jeton_verifier::{DatabaseUrl, LONGEST_LEASE, MOST_CACHE_TOKENS, SHORTEST_LEASE, VerifierSettings};

const SHORTEST_MS: u64 = SHORTEST_LEASE.as_millis() as u64;
const LONGEST_MS: u64 = LONGEST_LEASE.as_millis() as u64;
const MOST_TOKENS: u32 = MOST_CACHE_TOKENS as u32;

/// How a service checks tokens.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Checks of tokens")]
pub struct VerifierArgs {
    /// How long checks are answered from memory without word from the database
    ///
    /// For so long the service goes on with known tokens while the database is away. A revocation waits for so long,
    /// once, for a service that has died. Each process renews its lease every third of the time, by one small statement.
    #[arg(long, env = "JETON_LEASE_TTL", default_value = "10s")]
    lease_ttl: DurationSetting<SHORTEST_MS, LONGEST_MS>,

    /// How many tokens are remembered at the most, some 200 bytes each
    ///
    /// With 0, every check asks the database.
    #[arg(long, env = "JETON_CACHE_TOKENS", default_value = "100000")]
    cache_tokens: NumberSetting<0, MOST_TOKENS>,
}

impl VerifierArgs {
    /// The verifier's settings.
    #[must_use]
    pub fn settings(&self, database_url: DatabaseUrl) -> VerifierSettings {
        VerifierSettings {
            lease: self.lease_ttl.0,
            cache_tokens: self.cache_tokens.0 as usize,
            ..VerifierSettings::new(database_url)
        }
    }
}
