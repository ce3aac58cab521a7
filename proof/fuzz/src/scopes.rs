//! Scopes: two sets, a line each, and the laws that hold between them.

use jeton_domain::{MAX_SCOPE_LENGTH, MAX_SCOPES, Scope, ScopeSet};
use std::collections::BTreeSet;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    if let (Some(one), Some(other)) = (read(one), read(other)) {
        check_laws(&one, &other);
    }
}

fn read(text: &str) -> Option<ScopeSet> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    // One that comes twice counts twice.
    let good = words.len() <= MAX_SCOPES && words.iter().all(|word| is_scope(word));
    let set = ScopeSet::parse(text);
    assert_eq!(set.is_ok(), good, "{text:?}");
    let set = set.ok()?;
    // Sorted, each once.
    let words: BTreeSet<&str> = words.into_iter().collect();
    assert!(set.iter().eq(words.iter().copied()));
    assert_eq!(ScopeSet::parse(&set.to_string()).as_ref(), Ok(&set));
    assert_eq!(ScopeSet::from_texts(set.to_texts()).as_ref(), Ok(&set));
    assert_eq!(ScopeSet::from_texts(words.iter().rev()).as_ref(), Ok(&set));
    for word in words {
        assert!(set.contains(word));
        assert!(Scope::parse(word).is_ok_and(|scope| scope.as_str() == word && scope.to_string() == word));
    }
    Some(set)
}

/// `scope-token` of RFC 6749 §3.3, no longer than may be.
fn is_scope(word: &str) -> bool {
    let allowed = |c: char| matches!(c, '!'..='~') && c != '"' && c != '\\';
    word.len() <= MAX_SCOPE_LENGTH && word.chars().all(allowed)
}

fn check_laws(one: &ScopeSet, other: &ScopeSet) {
    let both = one.intersection(other);
    assert_eq!(both, other.intersection(one));
    assert!(both.is_subset(one) && both.is_subset(other));
    assert!(one.is_subset(one) && ScopeSet::default().is_subset(one));
    assert_eq!(one.is_subset(other), both == *one);
    assert_eq!(one.is_subset(other) && other.is_subset(one), one == other);
    for scope in one.iter().chain(other.iter()) {
        assert_eq!(both.contains(scope), one.contains(scope) && other.contains(scope));
    }
}
