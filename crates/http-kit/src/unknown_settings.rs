use std::env;

/// What begins so is a setting.
const PREFIX: &str = "JETON_";

/// The settings that begin so of all programs, which may share an environment: one a line, generated from the programs.
const KNOWN: &str = include_str!("known_settings.txt");

/// What the project's scripts and other programs read.
const OTHERS: &[&str] = &["JETON_POSTGRES_BINDIR", "JETON_TESTS_REQUIRE"];

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
    let known = || {
        KNOWN
            .lines()
            .chain(OTHERS.iter().copied())
            .any(|known| known == name)
    };
    name.starts_with(PREFIX) && !kubernetes && !known()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_setting_is_unknown_and_what_is_not_ours_is_not() {
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
