//! `Authorization`: what the guard takes for a token.

use jeton_verifier::bearer_token;

pub fn check(header: &[u8]) {
    let taken = bearer_token(header);
    assert_eq!(taken.ok(), expected(header));
    if let Ok(token) = taken {
        for scheme in ["Bearer", "bEARER", "Token", "TOKEN"] {
            let plain = format!("{scheme} {token}");
            assert_eq!(bearer_token(plain.as_bytes()), Ok(token));
        }
    }
}

/// The same in other words: a scheme and a token, all of it printable, with spaces between them, and perhaps behind.
fn expected(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok()?;
    let printable = text.chars().all(|c| matches!(c, ' '..='~'));
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    match words[..] {
        [scheme, token] if printable && text.starts_with(scheme) => {
            let scheme = scheme.to_lowercase();
            (scheme == "bearer" || scheme == "token").then_some(token)
        }
        _ => None,
    }
}
