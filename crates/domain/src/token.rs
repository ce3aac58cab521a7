use crate::{
    IdleTimeout, PlainToken, ScopeSet, TokenDigest, TokenId, TokenKind, TokenLifetime, TokenName, UserId,
};
use chrono::{DateTime, Utc};
use rand_core::CryptoRng;
use std::time::Duration;

/// What is known of a token that was issued, as the table has it; never its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names the token without revealing it.
    pub id: TokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub kind: TokenKind,
    /// What its user calls it: see [`TokenName`] for what it can be called from now on.
    pub name: String,
    /// What it was issued for. What it may do is this and [`User::scopes`](crate::User::scopes) in common.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// From when on it is no longer accepted; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// So long after its last use, or its issue, it is no longer accepted either; `None`: there is no such limit.
    pub idle_ttl: Option<Duration>,
    /// When it was last used, to the minute, as far as that has been noted; `None`: never yet.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What the operator lets tokens be.
#[derive(Debug, Clone, Copy)]
pub struct TokenPolicy {
    /// How long a login token lives, and a personal one of which nothing else is said.
    pub lifetime: TokenLifetime,
    /// How long a login token is accepted after its last use.
    pub idle_timeout: IdleTimeout,
    /// See [`NewToken::user_limit`].
    pub user_limit: u32,
}

/// A token about to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// A fresh id.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: TokenDigest,
    /// See [`Token::kind`].
    pub kind: TokenKind,
    /// See [`Token::name`].
    pub name: TokenName,
    /// See [`Token::scopes`].
    pub scopes: ScopeSet,
    /// How long it lives, counted by the database from the moment it stores it; `None`: for ever.
    pub ttl: Option<Duration>,
    /// See [`Token::idle_ttl`]; whole seconds.
    pub idle_ttl: Option<Duration>,
    /// How many valid tokens its user may have, this one included. At least 2: the last place is for one that signing in
    /// gives.
    pub user_limit: u32,
}

impl NewToken {
    /// A token that signing in or up gives, and its text, which exists nowhere else.
    #[must_use]
    pub fn login(
        rng: &mut impl CryptoRng,
        id: TokenId,
        name: TokenName,
        scopes: ScopeSet,
        lifetime: TokenLifetime,
        policy: &TokenPolicy,
    ) -> (PlainToken, Self) {
        let (text, token) = Self::personal(rng, id, name, scopes, lifetime, policy.user_limit);
        let login = Self {
            kind: TokenKind::Login,
            idle_ttl: policy.idle_timeout.0,
            ..token
        };
        (text, login)
    }

    /// A token for a program, and its text. It is not ended by lying idle: a program may run once in a year.
    #[must_use]
    pub fn personal(
        rng: &mut impl CryptoRng,
        id: TokenId,
        name: TokenName,
        scopes: ScopeSet,
        lifetime: TokenLifetime,
        user_limit: u32,
    ) -> (PlainToken, Self) {
        let text = PlainToken::generate(rng);
        let token = Self {
            id,
            digest: text.digest(),
            kind: TokenKind::Personal,
            name,
            scopes,
            ttl: lifetime.0,
            idle_ttl: None,
            user_limit,
        };
        (text, token)
    }
}

impl Token {
    /// A token in place of this one, and its text: of the same kind and name, for what this one is for and its user still
    /// holds. It lives as long from its issue as this one was given from its own, and no longer for being the tenth in a
    /// row; lying idle ends it as soon.
    #[must_use]
    pub fn successor(
        &self,
        rng: &mut impl CryptoRng,
        id: TokenId,
        held: &ScopeSet,
        user_limit: u32,
    ) -> (PlainToken, NewToken) {
        let text = PlainToken::generate(rng);
        let given = |end: DateTime<Utc>| (end - self.created_at).to_std().unwrap_or_default();
        let token = NewToken {
            id,
            digest: text.digest(),
            kind: self.kind,
            // Somebody else may have written a name that nobody can be given.
            name: TokenName::parse(&self.name).unwrap_or_else(|_| TokenName::login()),
            scopes: self.scopes.intersection(held),
            ttl: self.expires_at.map(given),
            idle_ttl: self.idle_ttl,
            user_limit,
        };
        (text, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};
    use uuid::Uuid;

    #[test]
    fn a_successor_is_no_more_than_the_token_was_given() {
        let created_at = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let old = Token {
            id: TokenId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            kind: TokenKind::Personal,
            name: "nightly".to_owned(),
            scopes: ScopeSet::parse("notes:read notes:write").unwrap(),
            created_at,
            expires_at: Some(created_at + Duration::from_secs(90)),
            idle_ttl: Some(Duration::from_secs(30)),
            last_used_at: None,
        };
        let held = ScopeSet::parse("admin notes:read").unwrap();
        let successor = |old: &Token| {
            let (rng, id) = (&mut StdRng::seed_from_u64(1), TokenId(Uuid::from_u128(1)));
            old.successor(rng, id, &held, 7)
        };
        let (text, new) = successor(&old);
        assert_eq!((new.digest, new.kind), (text.digest(), old.kind));
        assert_eq!((new.name.as_str(), new.user_limit), ("nightly", 7));
        assert_eq!(new.scopes.to_string(), "notes:read");
        assert_eq!(
            (new.ttl, new.idle_ttl),
            (Some(Duration::from_secs(90)), old.idle_ttl)
        );
        let for_ever = Token {
            expires_at: None,
            ..old
        };
        assert_eq!(successor(&for_ever).1.ttl, None);
    }

    #[test]
    fn idle_time_is_for_login_tokens_alone() {
        let rng = &mut StdRng::seed_from_u64(1);
        let (id, scopes) = (TokenId(Uuid::nil()), ScopeSet::default());
        let policy = TokenPolicy {
            lifetime: "30d".parse().unwrap(),
            idle_timeout: "14d".parse().unwrap(),
            user_limit: 100,
        };
        let lifetime = policy.lifetime;
        let (text, login) = NewToken::login(rng, id, TokenName::login(), scopes.clone(), lifetime, &policy);
        assert_eq!((login.kind, login.digest), (TokenKind::Login, text.digest()));
        assert_eq!((login.ttl, login.idle_ttl), (lifetime.0, policy.idle_timeout.0));
        let (other, personal) = NewToken::personal(rng, id, TokenName::login(), scopes, lifetime, 100);
        assert_eq!(
            (personal.kind, personal.digest),
            (TokenKind::Personal, other.digest())
        );
        assert_eq!((personal.ttl, personal.idle_ttl), (lifetime.0, None));
        assert_ne!(text.digest(), other.digest());
    }
}
