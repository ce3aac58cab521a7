use std::fmt;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// From signing in or up: may manage its user's account.
    Login,
    /// Made by hand for a program: reaches protected APIs and nothing of the account but its own logout.
    Personal,
    /// Given to a client by its user's consent: reaches protected APIs, and nothing of the account.
    Delegated,
}

/// A text that names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of token")]
pub struct UnknownTokenKind;

impl TokenKind {
    /// The kind's name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Personal => "personal",
            Self::Delegated => "delegated",
        }
    }

    /// Reads the kind's name.
    ///
    /// # Errors
    /// [`UnknownTokenKind`]
    pub fn parse(text: &str) -> Result<Self, UnknownTokenKind> {
        match text {
            "login" => Ok(Self::Login),
            "personal" => Ok(Self::Personal),
            "delegated" => Ok(Self::Delegated),
            _ => Err(UnknownTokenKind),
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
