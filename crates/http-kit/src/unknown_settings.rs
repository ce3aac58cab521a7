use std::env;

/// What begins so is a setting.
const PREFIX: &str = "JETON_";

/// The settings of all services, which may share an environment.
const KNOWN: &[&str] = &[
    "JETON_ACCOUNT_FAILURES",
    "JETON_AUDIT_RETENTION",
    "JETON_AUTH_ADDR",
    "JETON_BCRYPT_COST",
    "JETON_CACHE_TOKENS",
    "JETON_CLIENT_TIMEOUT",
    "JETON_CORS_ORIGINS",
    "JETON_DEFAULT_SCOPES",
    "JETON_FORWARDED_HEADER",
    "JETON_HASHING_QUEUE",
    "JETON_KEEP_ALIVE",
    "JETON_LEASE_TTL",
    "JETON_LOG",
    "JETON_LOG_FORMAT",
    "JETON_MAX_CONNECTIONS",
    "JETON_METRICS_ADDR",
    "JETON_NETWORK_FAILURES",
    "JETON_RESOURCE_ADDR",
    "JETON_SHUTDOWN_GRACE",
    "JETON_SHUTDOWN_TIMEOUT",
    "JETON_SIGNUP",
    "JETON_TOKENS_PER_USER",
    "JETON_TOKEN_IDLE_TTL",
    "JETON_TOKEN_TTL",
    "JETON_TRUSTED_PROXIES",
];

/// What the project's scripts and other programs read.
const OTHERS: &[&str] = &[
    "JETON_POSTGRES_BINDIR",
    "JETON_RESOURCE_METRICS_ADDR",
    "JETON_TESTS_REQUIRE",
];

/// Says in the log which variables look like settings and are none. One that is mistyped would be off without a word: sign-up
/// open, say, that was to be closed. Never their values.
pub(crate) fn warn() {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if is_unknown(&name) {
            tracing::warn!("{name} is no setting: mistyped? It changes nothing");
        }
    }
}

fn is_unknown(name: &str) -> bool {
    // Kubernetes tells whatever it runs of a service `jeton-x` as JETON_X_SERVICE_HOST, JETON_X_PORT_80_TCP and so on.
    let kubernetes = name.contains("_SERVICE_HOST") || name.contains("_PORT");
    name.starts_with(PREFIX) && !kubernetes && !KNOWN.contains(&name) && !OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../README.md");

    #[test]
    fn those_that_are_known_are_those_in_the_readme() {
        let rows = README.lines().filter_map(|line| line.strip_prefix("| `"));
        let names = rows.filter_map(|row| row.split('`').next());
        let mut documented: Vec<_> = names.filter(|name| name.starts_with(PREFIX)).collect();
        documented.sort_unstable();
        assert_eq!(documented, KNOWN);
    }

    #[test]
    fn what_is_mistyped_is_unknown_and_what_is_not_ours_is_not() {
        for name in ["JETON_SIGN_UP", "JETON_", "JETON_SIGNUP_"] {
            assert!(is_unknown(name), "{name}");
        }
        for name in [
            "JETON_SIGNUP",
            "JETON_AUTH_API_SERVICE_HOST",
            "JETON_AUTH_API_SERVICE_PORT_HTTP",
            "JETON_AUTH_API_PORT",
            "JETON_AUTH_API_PORT_8080_TCP_ADDR",
            "MY_JETON_SIGN_UP",
            "PATH",
        ] {
            assert!(!is_unknown(name), "{name}");
        }
    }
}
