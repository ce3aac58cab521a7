//! What tokens permit. Few of these differ: each is kept once, however many tokens have it.

use jeton_coherence::lookups::ValidToken;
use jeton_domain::{ClientId, Resource, ScopeSet};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Which of a process' verifiers has found a token: one that asks another database does not take its word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct VerifierId(u64);

impl VerifierId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a token lets its holder do, who that is if it is not the user, and where.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Permissions {
    /// With what all of a verifier's tokens share, since each token has room for nothing more.
    pub(crate) found_by: VerifierId,
    pub(crate) scopes: ScopeSet,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) audience: Option<Box<str>>,
}

impl Permissions {
    /// The token's, which has them no more.
    fn taken_from(token: &mut ValidToken, found_by: VerifierId) -> Self {
        Self {
            found_by,
            scopes: std::mem::take(&mut token.scopes),
            client_id: token.client_id,
            audience: token.audience.take().map(String::into_boxed_str),
        }
    }

    /// Whether whoever is this resource, or has not said which it is, may accept them. Without an audience, everybody may.
    pub(crate) fn are_for(&self, resource: Option<&Resource>) -> bool {
        match &self.audience {
            None => true,
            Some(audience) => resource.is_some_and(|resource| resource.as_str() == &**audience),
        }
    }
}

/// The permissions of the tokens that one verifier has found.
#[derive(Debug)]
pub(crate) struct SharedPermissions {
    verifier: VerifierId,
    known: Mutex<HashSet<Arc<Permissions>>>,
}

impl SharedPermissions {
    /// More than these, and tokens share them only with those that are looked up after.
    const MOST: usize = 4096;

    /// Of another verifier than all others.
    pub(crate) fn new() -> Self {
        Self {
            verifier: VerifierId::next(),
            known: Mutex::default(),
        }
    }

    pub(crate) fn verifier(&self) -> VerifierId {
        self.verifier
    }

    pub(crate) fn of(&self, token: &mut ValidToken) -> Arc<Permissions> {
        let permissions = Permissions::taken_from(token, self.verifier);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&permissions) {
            return known.clone();
        }
        if known.len() >= Self::MOST {
            known.clear();
        }
        let permissions = Arc::new(permissions);
        known.insert(permissions.clone());
        permissions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::any_valid_token;

    fn token(audience: Option<&str>) -> ValidToken {
        ValidToken {
            audience: audience.map(str::to_owned),
            ..any_valid_token()
        }
    }

    #[test]
    fn an_audience_is_compared_byte_by_byte_and_none_is_everybody() {
        let notes = Resource::parse("https://notes.example/").unwrap();
        for (audience, is_for_notes, is_for_whoever) in [
            (None, true, true),
            (Some("https://notes.example/"), true, false),
            (Some("https://notes.example"), false, false),
            (Some("https://notes.example/x"), false, false),
            (Some("HTTPS://notes.example/"), false, false),
            (Some(""), false, false),
        ] {
            let permissions = SharedPermissions::new().of(&mut token(audience));
            assert_eq!(permissions.are_for(Some(&notes)), is_for_notes, "{audience:?}");
            assert_eq!(permissions.are_for(None), is_for_whoever, "{audience:?}");
        }
    }

    #[test]
    fn permissions_that_are_the_same_are_kept_once() {
        let shared = SharedPermissions::new();
        let notes = shared.of(&mut token(Some("https://notes.example")));
        let same = shared.of(&mut token(Some("https://notes.example")));
        let others = shared.of(&mut token(None));
        assert!(Arc::ptr_eq(&notes, &same) && !Arc::ptr_eq(&notes, &others));
    }

    #[test]
    fn no_more_permissions_are_kept_than_there_is_room_for() {
        let shared = SharedPermissions::new();
        for number in 0..=SharedPermissions::MOST {
            let _ = shared.of(&mut token(Some(&format!("https://{number}.example"))));
        }
        assert_eq!(shared.known.lock().unwrap().len(), 1);
    }
}
