//! Settings: what an operator may get wrong.

use actix_web::http::Uri;
use clap::Parser;
use jeton_domain::{Lifetime, ScopeSet, TokenLifetime};
use jeton_http_kit::{DurationSetting, HttpArgs, TrustedProxies};
use jeton_persistence::DatabaseUrl;
use std::time::Duration;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    http: HttpArgs,
}

pub fn check(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    check_times(text);
    check_origins(text);
    check_database_url(text);
    if let Ok(scopes) = ScopeSet::parse_default(text) {
        for privileged in ["admin", "tokens:introspect", "tokens:revoke"] {
            assert!(!scopes.contains(privileged));
        }
    }
    if let Ok(proxies) = text.parse::<TrustedProxies>() {
        assert_eq!(text.replace(' ', ",").parse(), Ok(proxies));
    }
}

fn check_times(text: &str) {
    if let Ok(Lifetime(Some(time))) = text.parse::<TokenLifetime>() {
        assert!(time >= Duration::from_secs(1) && time.as_secs() <= 10 * 365 * 86_400);
        assert_eq!(
            format!("{}s", time.as_secs()).parse::<TokenLifetime>(),
            Ok(Lifetime(Some(Duration::from_secs(time.as_secs()))))
        );
    }
    if let Ok(DurationSetting(time)) = text.parse::<DurationSetting<100, 60_000>>() {
        assert!((Duration::from_millis(100)..=Duration::from_secs(60)).contains(&time));
    }
}

/// What is taken for an origin is one that a browser could send, and that the CORS middleware takes.
fn check_origins(text: &str) {
    let flag = format!("--cors-origins={text}");
    let Ok(Program { http }) = Program::try_parse_from(["service", &flag]) else {
        return;
    };
    // That it can be shown is all that can be done with it from outside.
    assert!(!format!("{http:?}").is_empty());
    let origins = text.split([',', ' ']).filter(|part| !part.is_empty());
    for origin in origins.filter(|_| text.trim() != "*") {
        // Any port, of the user's own machine alone.
        let origin = match origin.strip_suffix(":*") {
            Some(origin) => {
                assert!(["http://localhost", "http://127.0.0.1", "http://[::1]"].contains(&origin));
                origin
            }
            None => origin,
        };
        let host = origin.split_once("://").map(|(_, host)| host);
        let bare = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*']));
        assert!(
            bare && origin.is_ascii() && origin.to_ascii_lowercase() == origin,
            "{origin:?}"
        );
        assert!(Uri::try_from(origin).is_ok(), "{origin:?}");
    }
}

/// The password, in the text's place, is never quoted, whatever stands around it.
fn check_database_url(text: &str) {
    const SESAME: &str = "Open-Sesame";
    let (before, after) = text.split_once('\n').unwrap_or((text, ""));
    for url in [
        text.to_owned(),
        format!("postgres://ada:{before}{SESAME}{after}@db.example.org/jeton"),
    ] {
        match DatabaseUrl::parse(&url) {
            Ok(parsed) => assert_eq!(format!("{parsed:?}"), "DatabaseUrl([REDACTED])"),
            Err(error) => assert!(!format!("{error} {error:?}").contains(SESAME), "{url:?}: {error}"),
        }
    }
}
