use jeton_verifier::{DatabaseUrl, LONGEST_LEASE, SHORTEST_LEASE, VerifierSettings};
use std::time::Duration;

/// How a service checks tokens.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifierArgs {
    /// How long checks are answered from memory without word from the database: 100ms to 60s. A revocation waits for so
    /// long, once, for a service that has died
    #[arg(
        long,
        env = "JETON_LEASE_TTL",
        value_name = "JETON_LEASE_TTL",
        default_value = "10s",
        value_parser = lease
    )]
    lease_ttl: Duration,

    /// How many tokens are remembered at the most: some 250 bytes each
    #[arg(
        long,
        env = "JETON_CACHE_TOKENS",
        value_name = "JETON_CACHE_TOKENS",
        default_value_t = 100_000
    )]
    cache_tokens: usize,
}

impl VerifierArgs {
    /// The verifier's settings.
    #[must_use]
    pub fn settings(&self, database_url: DatabaseUrl) -> VerifierSettings {
        VerifierSettings {
            lease: self.lease_ttl,
            cache_tokens: self.cache_tokens,
            ..VerifierSettings::new(database_url)
        }
    }
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = match text.parse() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => humantime::parse_duration(text).map_err(|_| "say a time as 10s or 500ms".to_owned())?,
    };
    if (SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
        Ok(lease)
    } else {
        Err("say 100ms to 60s".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::lease;
    use std::time::Duration;

    #[test]
    fn a_lease_has_bounds() {
        assert_eq!(lease("10"), Ok(Duration::from_secs(10)));
        assert_eq!(lease("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(lease("1m"), Ok(Duration::from_secs(60)));
        for bad in ["", "0", "99ms", "61s", "never", "-1s", "10 parsecs"] {
            assert!(lease(bad).is_err(), "{bad}");
        }
    }
}
