use crate::{DurationSetting, NumberSetting};
use jeton_verifier::{DatabaseUrl, LONGEST_LEASE, MOST_CACHE_TOKENS, SHORTEST_LEASE, VerifierSettings};

const SHORTEST_MS: u64 = SHORTEST_LEASE.as_millis() as u64;
const LONGEST_MS: u64 = LONGEST_LEASE.as_millis() as u64;
const MOST_TOKENS: u32 = MOST_CACHE_TOKENS as u32;
const MOST_LOOKUP_THREADS: u32 = 16;

/// How a service checks tokens.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Checks of tokens")]
pub struct VerifierArgs {
    /// How long checks are answered from memory without word from the database
    ///
    /// For so long the service goes on with known tokens while the database is away. A revocation waits for so long,
    /// once, for a service that has died. Each process renews its lease every third of the time, by one small statement.
    #[arg(long, env = "JETON_LEASE_TTL", default_value = "5s")]
    lease_ttl: DurationSetting<SHORTEST_MS, LONGEST_MS>,

    /// How many tokens are remembered at the most, some 200 bytes each
    ///
    /// With 0, every check asks the database.
    #[arg(long, env = "JETON_CACHE_TOKENS", default_value = "100000")]
    cache_tokens: NumberSetting<0, MOST_TOKENS>,

    /// How many threads ask the database for tokens that are not remembered, each with a connection of its own
    ///
    /// One asks for all that wait, at once. More are for many unknown tokens and a database that is far.
    #[arg(long, env = "JETON_LOOKUP_THREADS", default_value = "1")]
    lookup_threads: NumberSetting<1, MOST_LOOKUP_THREADS>,
}

impl VerifierArgs {
    /// The verifier's settings.
    #[must_use]
    pub fn settings(&self, database_url: DatabaseUrl) -> VerifierSettings {
        VerifierSettings {
            lease: self.lease_ttl.0,
            cache_tokens: self.cache_tokens.0 as usize,
            lookup_threads: self.lookup_threads.0 as usize,
            ..VerifierSettings::new(database_url)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        verifier: VerifierArgs,
    }

    #[test]
    fn what_is_not_set_is_as_in_every_other_service() {
        let url = DatabaseUrl::parse("postgres://localhost/jeton").unwrap();
        let (ours, theirs) = (
            Program::parse_from(["program"]).verifier.settings(url.clone()),
            VerifierSettings::new(url),
        );
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
