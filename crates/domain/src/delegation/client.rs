use super::{RedirectUri, SecretDigest};
use crate::text::text_type;
use crate::token_name::name;
use crate::{ClientId, ScopeSet, UserId};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The most redirect URIs that a client may have.
pub const MAX_REDIRECT_URIS: usize = 32;

text_type! {
    /// What users are told who asks: 1 to 100 characters, none of them a control character, and one at least that can be
    /// seen by itself.
    ClientName,

    /// The text is no name for a client.
    #[error("must be 1 to 100 characters, one at least that can be seen by itself, and none that controls how others are shown")]
    InvalidClientName,

    /// Reads a name; white space around it counts and is dropped.
    name
}

/// How a client may come to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrantType {
    /// By a user's consent in the browser ([RFC 6749 §4.1]).
    ///
    /// [RFC 6749 §4.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1
    AuthorizationCode,
    /// By a refresh token, which it is given with a user's consent ([RFC 6749 §6]).
    ///
    /// [RFC 6749 §6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
    RefreshToken,
    /// By its own secret, for a service account ([RFC 6749 §4.4]).
    ///
    /// [RFC 6749 §4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    ClientCredentials,
    /// By a user's consent on another device ([RFC 8628]).
    ///
    /// [RFC 8628]: https://www.rfc-editor.org/rfc/rfc8628
    DeviceCode,
}

/// A text that names no grant type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be authorization_code, refresh_token, client_credentials or device_code")]
pub struct UnknownGrantType;

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
    ];

    /// The name in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "device_code",
        }
    }

    /// The name at the token endpoint, and in its metadata.
    #[must_use]
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GrantType {
    type Err = UnknownGrantType;

    /// Reads either of its names.
    fn from_str(text: &str) -> Result<Self, UnknownGrantType> {
        let named = |grant: &Self| grant.as_str() == text || grant.wire_name() == text;
        Self::ALL.into_iter().find(named).ok_or(UnknownGrantType)
    }
}

impl GrantType {
    /// What a client may use: what is asked for it, and what follows from the rest. A redirect URI is for nothing but
    /// `authorization_code`, a service account for nothing but `client_credentials`; whoever has neither is left with
    /// `device_code`. A public client of which nothing is asked has that, too: a program on somebody's machine may find itself
    /// without a browser. With a user's consent come refresh tokens.
    #[must_use]
    pub fn implied(
        asked: &[Self],
        is_confidential: bool,
        has_redirect_uris: bool,
        has_service_account: bool,
    ) -> Vec<Self> {
        let mut grants: BTreeSet<Self> = asked.iter().copied().collect();
        if grants.is_empty() && !is_confidential && !has_service_account {
            grants.insert(Self::DeviceCode);
        }
        if has_redirect_uris {
            grants.insert(Self::AuthorizationCode);
        }
        if has_service_account {
            grants.insert(Self::ClientCredentials);
        }
        if grants.is_empty() {
            grants.insert(Self::DeviceCode);
        }
        if grants.contains(&Self::AuthorizationCode) || grants.contains(&Self::DeviceCode) {
            grants.insert(Self::RefreshToken);
        }
        grants.into_iter().collect()
    }
}

/// A program that users let act for them, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Names it for good: the `client_id`.
    pub id: ClientId,
    /// What users are told who asks.
    pub name: String,
    /// Whether it can keep a secret, and has one.
    pub confidential: bool,
    /// Where it may have users sent back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// What its tokens may do at the most.
    pub scopes: ScopeSet,
    /// How it may come to a token.
    pub grant_types: Vec<GrantType>,
    /// Whose tokens it gets for its own secret.
    pub service_account: Option<UserId>,
    /// Whether it is the operator's own, so that users are not asked.
    pub first_party: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it gets no token and none of its tokens is accepted, if so.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl Client {
    /// Whether it may come to a token so.
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// The redirect URI that it has registered and that allows this text.
    #[must_use]
    pub fn redirect_uri(&self, presented: &str) -> Option<&RedirectUri> {
        self.redirect_uris.iter().find(|uri| uri.allows(presented))
    }

    /// Whether these can be its redirect URIs from now on.
    ///
    /// # Errors
    /// [`InvalidClient`]
    pub fn check_redirect_uris(&self, uris: &[RedirectUri]) -> Result<(), InvalidClient> {
        check_redirect_uris(&self.grant_types, uris)
    }
}

fn check_redirect_uris(grants: &[GrantType], uris: &[RedirectUri]) -> Result<(), InvalidClient> {
    if grants.contains(&GrantType::AuthorizationCode) && uris.is_empty() {
        return Err(InvalidClient::NoRedirectUri);
    }
    if uris.len() > MAX_REDIRECT_URIS {
        return Err(InvalidClient::TooManyRedirectUris);
    }
    Ok(())
}

/// Whether a client can be given these scopes.
///
/// # Errors
/// [`InvalidClient::Privileged`]
pub fn check_scopes(scopes: &ScopeSet) -> Result<(), InvalidClient> {
    if *scopes == scopes.delegable() {
        Ok(())
    } else {
        Err(InvalidClient::Privileged)
    }
}

/// A client about to be created.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// A fresh id.
    pub id: ClientId,
    /// Must be nobody else's.
    pub name: ClientName,
    /// The digest of its secret; `None`: a public client.
    pub secret: Option<SecretDigest>,
    /// See [`Client::redirect_uris`].
    pub redirect_uris: Vec<RedirectUri>,
    /// See [`Client::scopes`].
    pub scopes: ScopeSet,
    /// See [`Client::grant_types`].
    pub grant_types: Vec<GrantType>,
    /// See [`Client::service_account`].
    pub service_account: Option<UserId>,
    /// See [`Client::first_party`].
    pub first_party: bool,
}

/// Why a client cannot be as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClient {
    /// It would come to no token at all.
    #[error("a client comes to tokens in one way at least")]
    NoGrantType,
    /// Nobody could be sent back to it.
    #[error("authorization_code takes a redirect URI")]
    NoRedirectUri,
    /// There are too many of them.
    #[error("at most {MAX_REDIRECT_URIS} redirect URIs")]
    TooManyRedirectUris,
    /// A secret, a service account and the grant type go together.
    #[error(
        "client_credentials takes a confidential client and a service account, and a service account takes client_credentials"
    )]
    ServiceAccount,
    /// It asks for what is never delegated.
    #[error("`admin` and what begins with `tokens:` are never delegated")]
    Privileged,
}

impl NewClient {
    /// Whether its parts fit together.
    ///
    /// # Errors
    /// [`InvalidClient`]
    pub fn check(&self) -> Result<(), InvalidClient> {
        let has = |grant| self.grant_types.contains(&grant);
        let for_itself = has(GrantType::ClientCredentials);
        if !has(GrantType::AuthorizationCode) && !has(GrantType::DeviceCode) && !for_itself {
            return Err(InvalidClient::NoGrantType);
        }
        check_redirect_uris(&self.grant_types, &self.redirect_uris)?;
        if for_itself != self.service_account.is_some() || (for_itself && self.secret.is_none()) {
            return Err(InvalidClient::ServiceAccount);
        }
        check_scopes(&self.scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn client() -> NewClient {
        NewClient {
            id: ClientId(Uuid::nil()),
            name: ClientName::parse("Notes for Desktops").unwrap(),
            secret: None,
            redirect_uris: vec![RedirectUri::parse("https://app.example/cb").unwrap()],
            scopes: ScopeSet::parse("notes:read").unwrap(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            service_account: None,
            first_party: false,
        }
    }

    #[test]
    fn the_parts_of_a_client_fit_together() {
        assert_eq!(client().check(), Ok(()));
        let with = |change: fn(&mut NewClient)| {
            let mut client = client();
            change(&mut client);
            client.check()
        };
        let secret = Some(SecretDigest::from([1; 32]));
        let account = Some(UserId(Uuid::nil()));
        let mut server = NewClient {
            secret,
            service_account: account,
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::ClientCredentials],
            ..client()
        };
        assert_eq!(server.check(), Ok(()));
        server.secret = None;
        assert_eq!(server.check(), Err(InvalidClient::ServiceAccount));
        server = NewClient {
            secret,
            service_account: account,
            ..client()
        };
        assert_eq!(server.check(), Err(InvalidClient::ServiceAccount));
        for (change, why) in [
            (
                (|c| c.grant_types = vec![GrantType::RefreshToken]) as fn(&mut NewClient),
                InvalidClient::NoGrantType,
            ),
            (|c| c.redirect_uris.clear(), InvalidClient::NoRedirectUri),
            (
                |c| c.redirect_uris = vec![c.redirect_uris[0].clone(); 33],
                InvalidClient::TooManyRedirectUris,
            ),
            (
                |c| c.scopes = ScopeSet::parse("notes:read admin").unwrap(),
                InvalidClient::Privileged,
            ),
            (
                |c| c.scopes = ScopeSet::parse("tokens:revoke").unwrap(),
                InvalidClient::Privileged,
            ),
        ] {
            assert_eq!(with(change), Err(why));
        }
    }

    #[test]
    fn grant_types_are_read_by_both_names() {
        for grant in GrantType::ALL {
            assert_eq!(grant.as_str().parse(), Ok(grant));
            assert_eq!(grant.wire_name().parse(), Ok(grant));
        }
        assert_eq!("password".parse::<GrantType>(), Err(UnknownGrantType));
    }
    #[test]
    fn what_a_client_may_use_follows_from_what_it_has() {
        use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, RefreshToken};
        for (asked, confidential, uris, account, wanted) in [
            (
                &[][..],
                false,
                true,
                false,
                &[AuthorizationCode, RefreshToken, DeviceCode][..],
            ),
            (&[], true, true, false, &[AuthorizationCode, RefreshToken]),
            (&[], false, false, false, &[RefreshToken, DeviceCode]),
            (&[], true, false, false, &[RefreshToken, DeviceCode]),
            (&[], true, false, true, &[ClientCredentials]),
            (
                &[AuthorizationCode],
                false,
                true,
                false,
                &[AuthorizationCode, RefreshToken],
            ),
            (
                &[ClientCredentials],
                true,
                true,
                true,
                &[AuthorizationCode, RefreshToken, ClientCredentials],
            ),
            (
                &[DeviceCode, DeviceCode],
                true,
                true,
                false,
                &[AuthorizationCode, RefreshToken, DeviceCode],
            ),
        ] {
            assert_eq!(GrantType::implied(asked, confidential, uris, account), wanted);
        }
    }
}
