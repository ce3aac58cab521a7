//! What the pages come with.

use crate::support::Auth;
use jeton_proof_support::{RawRequest, RawResponse};

const PAGES: [&str; 3] = ["/authorize", "/device", "/account/apps"];

fn get(auth: &Auth, target: &str, headers: &[(&str, &str)]) -> RawResponse {
    let request = RawRequest::new("GET", target);
    let with = |request: RawRequest, (name, value): &(&str, &str)| request.header(name, value);
    auth.send(&headers.iter().fold(request, with))
}

#[test]
fn pages_run_their_own_scripts_alone_and_are_kept_nowhere() {
    let auth = Auth::start();
    for page in PAGES {
        let answer = get(
            &auth,
            &format!("{page}?client_id=x&state=%22%3E%3Cscript%3E"),
            &[],
        );
        assert_eq!(answer.status, 200, "{page}");
        let policy = answer.header("Content-Security-Policy").unwrap();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(
                policy.split("; ").any(|one| one == directive),
                "{directive}: {policy}"
            );
        }
        // It would hold for the redirect to the app, too.
        assert!(
            !policy.contains("form-action") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Set-Cookie"), None);
        assert!(
            !answer.text().contains("client_id"),
            "nothing of the query is in it"
        );
    }
}

#[test]
fn assets_are_compressed_and_asked_for_again() {
    let auth = Auth::start();
    let plain = get(&auth, "/assets/authorize.js", &[]);
    assert_eq!(
        plain.header("Content-Type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(plain.header("Content-Encoding"), None);
    assert!(plain.text().contains("import "), "{plain:?}");
    let compressed = get(
        &auth,
        "/assets/authorize.js",
        &[("Accept-Encoding", "br, gzip;q=0.5")],
    );
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert!(compressed.body.len() < plain.body.len());
    let refused = get(
        &auth,
        "/assets/authorize.js",
        &[("Accept-Encoding", "gzip;q=0, identity")],
    );
    assert_eq!(refused.body, plain.body);

    let tag = compressed.header("ETag").unwrap();
    let again = get(&auth, "/assets/authorize.js", &[("If-None-Match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = get(&auth, "/assets/authorize.js", &[("If-None-Match", "\"another\"")]);
    assert_eq!(other.status, 200);
    for nothing in ["/assets/nothing.js", "/assets/..%2fauthorize.html", "/assets/"] {
        assert_eq!(get(&auth, nothing, &[]).status, 404, "{nothing}");
    }
    let posted = auth.send(&RawRequest::new("POST", "/assets/authorize.js").body(""));
    assert_eq!(posted.status, 405);
}

/// As people type it; behind a prefix, too.
#[test]
fn a_slash_at_the_end_leads_to_the_page() {
    let auth = Auth::start();
    for (typed, there) in [
        ("/device/?user_code=BCDF-GHJK", "../device?user_code=BCDF-GHJK"),
        ("/account/apps/", "../apps"),
    ] {
        let answer = get(&auth, typed, &[]);
        assert_eq!((answer.status, answer.header("Location")), (302, Some(there)));
    }
}

#[test]
fn pages_elsewhere_are_led_to_with_all_that_was_asked() {
    let auth = Auth::start_with(&[("JETON_PAGES_URL", "https://login.example.org/jeton")]);
    let query = "?client_id=x&state=a%2Bb&redirect_uri=https%3A%2F%2Fapp.example.org%2F";
    for page in PAGES {
        for query in ["", query] {
            let answer = get(&auth, &format!("{page}{query}"), &[]);
            assert_eq!(answer.status, 302);
            let there = format!("https://login.example.org/jeton{page}{query}");
            assert_eq!(answer.header("Location"), Some(there.as_str()));
            assert_eq!(answer.header("Cache-Control"), Some("no-store"));
            assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
        }
    }
}
