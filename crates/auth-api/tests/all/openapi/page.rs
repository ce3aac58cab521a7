use crate::support::Auth;
use jeton_proof_support::RawRequest;

/// Nothing is loaded from anywhere, and the policy lets the page's own script run, and no other.
#[test]
fn the_page_needs_nothing_from_elsewhere() {
    use base64::Engine;
    use sha2::Digest;
    let auth = Auth::start();
    let answer = auth.send(&RawRequest::new("GET", "/docs"));
    assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = answer.text();
    for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, rest) = rest.split_once(&format!("</{element}>")).unwrap();
        assert!(!rest.contains(&format!("<{element}")), "one {element}");
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        assert!(
            policy.contains(&format!("{directive} 'sha256-{digest}';")),
            "{policy}"
        );
    }
    for outside in [
        "src=",
        "@import",
        ": url(",
        "http://",
        "innerHTML",
        "localStorage",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}
