use crate::{ClientId, UserId};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

macro_rules! named {
    ($(#[$of_type:meta])* $type:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$of_type])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type { $($(#[$doc])* $name,)* }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in the database, on the wire and on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

named! {
    /// Everything that the audit log tells of.
    AuditAction {
        /// Somebody signed in; the token that was issued for it.
        SignIn = "sign-in",
        /// A sign-in failed: `reason` is an [`AuditReason`].
        SignInFailed = "sign-in-failed",
        /// Attempts to sign in began to be refused for their number: `limit` is `account` or `network`. Once in an hour at the
        /// most.
        SignInRateLimited = "sign-in-rate-limited",
        /// Somebody signed up; the token that was issued for it.
        SignUp = "sign-up",
        /// The password that must be given again, to change it or to delete the account, was wrong; or it was right and came to
        /// nothing: then `reason` is an [`AuditReason`].
        ConfirmationFailed = "confirmation-failed",
        /// A token was revoked by itself.
        Logout = "logout",
        /// All of a user's tokens were revoked at the user's wish: `revoked` of them.
        LogoutAll = "logout-all",
        /// All of a user's tokens were revoked by somebody else: `revoked` of them.
        TokensRevoked = "tokens-revoked",
        /// All of a user's tokens but the one that asked were revoked: `revoked` of them.
        LogoutOthers = "logout-others",
        /// A token was issued to a program.
        TokenIssued = "token-issued",
        /// A token was issued in place of another, at the wish of that one: `renews` it.
        TokenRenewed = "token-renewed",
        /// A token was given another name.
        TokenRenamed = "token-renamed",
        /// A token was revoked, and not by itself.
        TokenRevoked = "token-revoked",
        /// A user chose another password, which revoked `revoked` tokens.
        PasswordChanged = "password-changed",
        /// A user was given another password, which revoked `revoked` tokens.
        PasswordSet = "password-set",
        /// A user was created by somebody else.
        UserCreated = "user-created",
        /// The user was given another name, `from` and `to`; the tokens stayed.
        UserRenamed = "user-renamed",
        /// The user's e-mail address was changed or removed. Not which: events outlive the user.
        EmailChanged = "email-changed",
        /// What the user's tokens may do at the most was changed, `from` and `to`.
        ScopesChanged = "scopes-changed",
        /// From then on no sign-in, and no token of the user's was accepted.
        UserDisabled = "user-disabled",
        /// The user was let in again.
        UserEnabled = "user-enabled",
        /// The user's failed attempts to sign in were forgotten.
        UserUnblocked = "user-unblocked",
        /// The failed attempts from a network were forgotten: `network`.
        NetworkUnblocked = "network-unblocked",
        /// The user was deleted, with all tokens.
        UserDeleted = "user-deleted",
        /// A client was created: a program that may ask users to let it act for them.
        ClientCreated = "client-created",
        /// A client was given another secret.
        ClientSecretRotated = "client-secret-rotated",
        /// What a client's tokens may do at the most was changed, `from` and `to`.
        ClientScopesChanged = "client-scopes-changed",
        /// Where a client may have users sent back to was changed, `from` and `to`.
        ClientRedirectUrisChanged = "client-redirect-uris-changed",
        /// From then on the client got no token, and none of its tokens was accepted.
        ClientDisabled = "client-disabled",
        /// The client was let in again.
        ClientEnabled = "client-enabled",
        /// The client was deleted, with all that it was given.
        ClientDeleted = "client-deleted",
        /// A scope was put into the catalogue of those that users may give to clients.
        DelegableScopeSet = "delegable-scope-set",
        /// A scope was taken out of it.
        DelegableScopeDeleted = "delegable-scope-deleted",
        /// A user let a client do something: `scopes`.
        GrantGiven = "grant-given",
        /// A user did not let a client do what it asked for.
        GrantDenied = "grant-denied",
        /// A client got its first token by what a user has let it do.
        GrantUsed = "grant-used",
        /// What a user has let a client do was taken back, with all that came of it: `reason` is an [`AuditReason`] where it was
        /// not the user's wish.
        GrantRevoked = "grant-revoked",
        /// A service was given a role of the database's.
        RoleCreated = "role-created",
    }
}

named! {
    /// Why something came to nothing, or had to be done: `reason` in an event's detail. Outside nobody is told: what the
    /// client hears of a sign-in that failed is the same for all reasons that it could guess by.
    AuditReason {
        /// Nobody has the name.
        UnknownUser = "unknown-user",
        /// The password is another.
        WrongPassword = "wrong-password",
        /// A service account, which has no password.
        NoPassword = "no-password",
        /// The stored hash of the password cannot be read.
        UnreadableHash = "unreadable-hash",
        /// The password is right, and the user is disabled.
        Disabled = "disabled",
        /// The password is right, and the token was to have scopes that the user does not hold.
        ScopeNotHeld = "scope-not-held",
        /// There are as many tokens as may be: none was issued, or another had to give way.
        TooManyTokens = "too-many-tokens",
        /// The password is right, and was changed, or the user disabled or deleted, while it was checked.
        ChangedMeanwhile = "changed-meanwhile",
        /// The password is right, and what was asked for was refused: a new password that is too weak, say.
        RequestRefused = "request-refused",
        /// The password is right, and what was asked for could not be done, or is not known to hold everywhere: answered 503.
        Unavailable = "unavailable",
        /// The password is right, and the client went away before it was answered.
        ClientGone = "client-gone",
        /// An authorization code was used twice.
        CodeReplayed = "code-replayed",
        /// A refresh token was used long after it was replaced.
        RefreshTokenReplayed = "refresh-token-replayed",
    }
}

/// A text that names no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action of the audit log")]
pub struct UnknownAuditAction;

impl FromStr for AuditAction {
    type Err = UnknownAuditAction;

    fn from_str(text: &str) -> Result<Self, UnknownAuditAction> {
        let named = Self::ALL.iter().find(|action| action.as_str() == text);
        named.copied().ok_or(UnknownAuditAction)
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A user, known by password or token.
    User(UserId),
    /// Nobody that is known: somebody who fails to sign in.
    Anonymous,
    /// A client, by its own id: the event's detail names it.
    Client(ClientId),
    /// The operator, on the command line.
    Cli,
}

/// Who does something, and from where: what is written down with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditContext {
    /// Who.
    pub actor: Actor,
    /// The client's address; `None`: not by way of the network.
    pub address: Option<IpAddr>,
    /// What the logs name the request by.
    pub request_id: Option<String>,
}

impl Actor {
    /// What stands for one who is no user.
    #[must_use]
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::User(_) => None,
            Self::Anonymous => Some("anonymous"),
            Self::Client(_) => Some("client"),
            Self::Cli => Some("cli"),
        }
    }

    /// The user, if it is one.
    #[must_use]
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Anonymous | Self::Client(_) | Self::Cli => None,
        }
    }
}

impl AuditContext {
    /// The operator, on the command line.
    #[must_use]
    pub fn cli() -> Self {
        Self {
            actor: Actor::Cli,
            address: None,
            request_id: None,
        }
    }

    /// The same, once it is known who it is.
    #[must_use]
    pub fn as_user(&self, id: UserId) -> Self {
        Self {
            actor: Actor::User(id),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_has_a_name_of_its_own_and_is_found_by_it() {
        let names: HashSet<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for &action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert_eq!("SIGN-IN".parse::<AuditAction>(), Err(UnknownAuditAction));
    }

    /// They are in logs that are kept for years, and in people's queries.
    #[test]
    fn the_reasons_are_these() {
        let names: Vec<_> = AuditReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(
            names,
            [
                "unknown-user",
                "wrong-password",
                "no-password",
                "unreadable-hash",
                "disabled",
                "scope-not-held",
                "too-many-tokens",
                "changed-meanwhile",
                "request-refused",
                "unavailable",
                "client-gone",
                "code-replayed",
                "refresh-token-replayed",
            ]
        );
    }

    #[test]
    fn an_actor_who_is_no_user_has_a_label() {
        let ada = UserId(uuid::Uuid::nil());
        for actor in [
            Actor::User(ada),
            Actor::Anonymous,
            Actor::Client(ClientId(uuid::Uuid::nil())),
            Actor::Cli,
        ] {
            assert_ne!(actor.label().is_some(), actor.user_id().is_some());
        }
        assert_eq!(AuditContext::cli().as_user(ada).actor, Actor::User(ada));
    }
}
