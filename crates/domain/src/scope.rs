use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The most bytes one scope may have.
pub const MAX_SCOPE_LENGTH: usize = 64;
/// The most scopes a set may hold.
pub const MAX_SCOPES: usize = 64;

/// The scope that lets a token's holder administer users (`/v1/admin/…`): whoever holds it can do anything to anybody's
/// account. Nobody has it by signing up.
pub const ADMIN: &str = "admin";
/// The scope that lets a token's holder ask about any token (`POST /v1/introspect`).
pub const INTROSPECT_TOKENS: &str = "tokens:introspect";
/// The scope that lets a token's holder revoke any token by its text (`POST /v1/revoke`).
pub const REVOKE_TOKENS: &str = "tokens:revoke";
/// The scopes that reach what is other people's. They are given to one user or service at a time, never to whoever signs up.
pub const PRIVILEGED_SCOPES: [&str; 3] = [ADMIN, INTROSPECT_TOKENS, REVOKE_TOKENS];

/// One permission: a scope token of [RFC 6749 §3.3], by convention `resource:action`, as `notes:read`.
///
/// [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

/// A set of scopes, in a stable order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

/// The scopes that somebody asked to give, and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scopes that are not held: {0}")]
pub struct ScopesNotHeld(pub ScopeSet);

/// Why scopes cannot be those of whoever signs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefaultScopes {
    /// No set of scopes.
    #[error(transparent)]
    Invalid(#[from] InvalidScope),
    /// One of [`PRIVILEGED_SCOPES`].
    #[error("`{0}` is not for everybody; `jeton user create` gives it to one, by --admin or --scope")]
    Privileged(&'static str),
}

/// Why a text is no scope, or no set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Empty, too long, or with a character that a scope token may not have.
    #[error("a scope is 1 to {MAX_SCOPE_LENGTH} printable ASCII characters without space, \" and \\")]
    Token,
    /// Too many of them.
    #[error("at most {MAX_SCOPES} scopes")]
    TooMany,
}

impl Scope {
    /// Reads one scope.
    ///
    /// # Errors
    /// [`InvalidScope::Token`]
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if (1..=MAX_SCOPE_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidScope::Token)
        }
    }

    /// Whether a user may give it to a client: it reaches nothing of other people's, and no tokens.
    #[must_use]
    pub fn is_delegable(&self) -> bool {
        self.0 != ADMIN && !self.0.starts_with("tokens:")
    }

    /// The scope's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// So that a set can be asked about a scope that is only borrowed.
impl std::borrow::Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl ScopeSet {
    /// Reads the space-separated form of RFC 6749; no scope at all is the empty set, naming one twice is naming it.
    ///
    /// # Errors
    /// [`InvalidScope`]
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::from_texts(text.split(' ').filter(|part| !part.is_empty()))
    }

    /// Reads one scope from each text; one that comes twice counts twice.
    ///
    /// # Errors
    /// [`InvalidScope`]
    pub fn from_texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, InvalidScope> {
        let mut set = BTreeSet::new();
        for (before, text) in texts.into_iter().enumerate() {
            if before == MAX_SCOPES {
                return Err(InvalidScope::TooMany);
            }
            set.insert(Scope::parse(text.as_ref())?);
        }
        Ok(Self(set))
    }

    /// Reads what a table holds, whoever wrote it there: however many, and each that is a scope. What is none lets nobody do
    /// anything, since nothing can ask for it; `false` tells that there was such a text.
    pub fn from_stored<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> (Self, bool) {
        let mut set = BTreeSet::new();
        let mut all = true;
        for text in texts {
            match Scope::parse(text.as_ref()) {
                Ok(scope) => drop(set.insert(scope)),
                Err(_) => all = false,
            }
        }
        (Self(set), all)
    }

    /// Reads what new users may do where nothing else is said: the form of [`parse`](Self::parse), and none of those that
    /// are privileged, or everybody who signs up could do anything to everybody.
    ///
    /// # Errors
    /// [`InvalidDefaultScopes`]
    pub fn parse_default(text: &str) -> Result<Self, InvalidDefaultScopes> {
        let scopes = Self::parse(text)?;
        match PRIVILEGED_SCOPES.iter().find(|scope| scopes.contains(scope)) {
            Some(scope) => Err(InvalidDefaultScopes::Privileged(scope)),
            None => Ok(scopes),
        }
    }

    /// What whoever holds this set may give of it: what is asked for, or all of it where nothing is said. Nobody gives
    /// more than they hold.
    ///
    /// # Errors
    /// [`ScopesNotHeld`]
    pub fn grant(&self, asked: Option<Self>) -> Result<Self, ScopesNotHeld> {
        let asked = asked.unwrap_or_else(|| self.clone());
        let lacking = Self(asked.0.difference(&self.0).cloned().collect());
        if lacking.0.is_empty() {
            Ok(asked)
        } else {
            Err(ScopesNotHeld(lacking))
        }
    }

    /// Whether the set holds the scope.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// The scopes that both sets hold: what a token may do is its own set and its user's in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The scopes that both sets hold or one of them.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Those that a user may give to a client: see [`Scope::is_delegable`].
    #[must_use]
    pub fn delegable(&self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|scope| scope.is_delegable())
                .cloned()
                .collect(),
        )
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the other set holds all scopes of this one.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Scope::as_str)
    }

    /// The scopes as owned texts, in order: what the database and JSON take.
    #[must_use]
    pub fn to_texts(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

impl FromStr for ScopeSet {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::parse(text)
    }
}

impl fmt::Display for ScopeSet {
    /// The space-separated form of RFC 6749.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_set_reads_and_writes_the_rfc_form() {
        let set = ScopeSet::parse("notes:write  notes:read notes:read ").unwrap();
        assert_eq!(set.to_string(), "notes:read notes:write");
        assert!(set.contains("notes:read") && !set.contains("notes"));
        assert_eq!(ScopeSet::parse("").unwrap(), ScopeSet::default());
    }

    #[test]
    fn refuses_what_the_rfc_refuses() {
        for bad in ["a\"b", "a\\b", "ä", "a\tb", "a\u{7f}", &"x".repeat(65)] {
            assert_eq!(ScopeSet::parse(bad), Err(InvalidScope::Token), "{bad:?}");
        }
        assert_eq!(ScopeSet::from_texts(["a b"]), Err(InvalidScope::Token));
        assert_eq!(ScopeSet::from_texts([""]), Err(InvalidScope::Token));
        assert_eq!(
            ScopeSet::from_texts((0..65).map(|i| i.to_string())),
            Err(InvalidScope::TooMany)
        );
        assert_eq!(ScopeSet::from_texts(["a"; 65]), Err(InvalidScope::TooMany));
        assert!(ScopeSet::from_texts(["a"; 64]).is_ok());
    }

    #[test]
    fn what_is_stored_is_read_whatever_it_is() {
        let many: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
        let (read, all) = ScopeSet::from_stored(&many);
        assert!(all && many.iter().all(|scope| read.contains(scope)));
        for (texts, right, complete) in [
            (&[][..], "", true),
            (&["b", "a", "a"], "a b", true),
            (&["two words", "a", ""], "a", false),
            (&["admin\n"], "", false),
        ] {
            let (read, all) = ScopeSet::from_stored(texts);
            assert_eq!((read.to_string().as_str(), all), (right, complete), "{texts:?}");
        }
    }

    #[test]
    fn default_scopes_reach_nobody_else() {
        for (text, right) in [
            ("", ""),
            ("b a", "a b"),
            ("admin:read", "admin:read"),
            ("tokens:read", "tokens:read"),
        ] {
            assert_eq!(ScopeSet::parse_default(text).unwrap().to_string(), right);
        }
        for (bad, named) in [
            ("admin", ADMIN),
            ("notes:read admin", ADMIN),
            ("tokens:introspect", INTROSPECT_TOKENS),
            ("a tokens:revoke b", REVOKE_TOKENS),
        ] {
            let refused = ScopeSet::parse_default(bad);
            assert_eq!(refused, Err(InvalidDefaultScopes::Privileged(named)), "{bad}");
        }
        assert!(ScopeSet::parse_default("a\"b").is_err());
    }

    #[test]
    fn nobody_gives_more_than_they_hold() {
        let set = |text: &str| ScopeSet::parse(text).unwrap();
        let held = set("notes:read notes:write");
        for (asked, granted) in [
            (None, "notes:read notes:write"),
            (Some("notes:write notes:read"), "notes:read notes:write"),
            (Some("notes:read"), "notes:read"),
            (Some(""), ""),
        ] {
            assert_eq!(held.grant(asked.map(set)), Ok(set(granted)), "{asked:?}");
        }
        for (asked, lacking) in [("admin", "admin"), ("b notes:read a", "a b"), ("notes", "notes")] {
            assert_eq!(
                held.grant(Some(set(asked))),
                Err(ScopesNotHeld(set(lacking))),
                "{asked}"
            );
        }
        assert_eq!(ScopeSet::default().grant(None), Ok(ScopeSet::default()));
    }

    proptest! {
        #[test]
        fn scopes_that_parse_read_back_the_same(text in "[ -~]{0,200}") {
            if let Ok(set) = ScopeSet::parse(&text) {
                prop_assert_eq!(&ScopeSet::parse(&set.to_string()).unwrap(), &set);
                prop_assert_eq!(&ScopeSet::from_texts(set.to_texts()).unwrap(), &set);
            }
        }

        #[test]
        fn a_token_never_may_more_than_its_user(token in "([a-e]:[rw] ){0,6}", user in "([a-e]:[rw] ){0,6}") {
            let (token, user) = (ScopeSet::parse(&token).unwrap(), ScopeSet::parse(&user).unwrap());
            let both = token.intersection(&user);
            prop_assert!(both.is_subset(&token) && both.is_subset(&user));
            prop_assert!(token.iter().filter(|s| user.contains(s)).all(|s| both.contains(s)));
        }
    }
}
