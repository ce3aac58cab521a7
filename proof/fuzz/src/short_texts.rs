//! E-mail addresses, names of tokens, and words that stand for one of a few things.

use jeton_domain::{AuditAction, Email, TokenKind, TokenName};

pub fn check(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Ok(email) = Email::parse(text) {
        assert_eq!(email.as_str(), text);
        assert!(text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control()));
        assert!(text.rfind('@').is_some_and(|at| at > 0) && !text.ends_with('@'));
    }
    if let Ok(name) = TokenName::parse(text) {
        assert_eq!(TokenName::parse(name.as_str()).as_ref(), Ok(&name));
        assert_eq!(name.as_str(), text.trim());
        assert!(!name.as_str().is_empty() && text.chars().count() <= 100);
        assert!(!name.as_str().contains(char::is_control));
    }
    if let Ok(kind) = TokenKind::parse(text) {
        assert_eq!(kind.as_str(), text);
    }
    if let Ok(action) = text.parse::<AuditAction>() {
        assert_eq!(action.as_str(), text);
    }
}
