use crate::support::{alone, soak};
use jeton_proof_support::run;

/// Each has to have been asked.
const REQUESTS: [&str; 47] = [
    "account deletion",
    "app authorized",
    "app refreshed",
    "app's token",
    "audit-events",
    "client created",
    "client deleted",
    "client disabled",
    "client enabled",
    "client's scopes set",
    "disable",
    "enable",
    "grant taken back",
    "guess",
    "introspect",
    "livez and open",
    "login",
    "logout",
    "logout-all",
    "malformed",
    "me",
    "metrics",
    "note",
    "note deleted",
    "note of another",
    "note replaced",
    "note written",
    "notes",
    "password change",
    "readyz",
    "revoke",
    "revoke another's",
    "set-scopes",
    "sign-up",
    "token created",
    "token renamed",
    "token revoked",
    "tokens",
    "unblock",
    "user deleted",
    "user's password set",
    "user's token revoked",
    "user's tokens",
    "user's tokens revoked",
    "users",
    "verify",
    "whoami",
];

#[test]
fn every_answer_is_right_and_nothing_leaks_while_postgres_restarts() {
    let _alone = alone();
    let outcome = run(&mut soak(&["0.4", "--seed", "1"]), "");
    let text = outcome.text();
    assert_eq!(outcome.status, 0, "{text}");
    assert_eq!(outcome.line("wrong: "), "none", "{text}");
    assert_eq!(outcome.line("leaks: "), "none", "{text}");
    let outages = text.lines().filter(|line| line.contains("and then until ready"));
    assert_eq!(outages.count(), 4, "each outage is told twice:\n{text}");
    let asked = |request: &&str| {
        text.lines()
            .any(|line| line.split("slowest").next().map(str::trim) == Some(*request))
    };
    let missing: Vec<_> = REQUESTS.iter().filter(|request| !asked(request)).collect();
    assert!(missing.is_empty(), "nobody has asked {missing:?}:\n{text}");
    for service in ["auth-1", "auth-2", "resource-1", "resource-2"] {
        let away = outcome.line("503 with Retry-After: ").split(", ");
        let away = away.filter_map(|count| count.strip_prefix(service)).next();
        assert_ne!(away, Some(" 0"), "{service} has not noticed an outage:\n{text}");
    }
}
