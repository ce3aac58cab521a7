//! From the domain's types to what is sent, and from what is sent to passwords.

use crate::endpoint::Issued;
use jeton_api_types::{Account, Introspection, IssuedToken, SecretText, UserSummary};
use jeton_domain::{ExposeSecret, Password, PlainToken, Token, User, UserId};
pub(crate) use jeton_http_kit::wire::{
    audit_event, client, client_with_secret, delegable_scope, stored_scope, token, user, verifier,
};
use jeton_persistence::delegation::presented::Introspected;
use jeton_verifier::Caller;

/// A password as it was typed.
pub(crate) fn password(text: &SecretText) -> Password {
    Password::new(text.expose_secret().to_owned())
}

pub(crate) fn issued<const STATUS: u16>(
    plain: &PlainToken,
    user: UserSummary,
    token: Token,
) -> Issued<STATUS> {
    Issued(IssuedToken {
        token: SecretText::from(plain.expose_secret()),
        token_type: "Bearer".to_owned(),
        token_id: token.id.0,
        kind: token.kind.to_string(),
        name: token.name,
        scopes: token.scopes.to_texts(),
        expires_at: token.expires_at,
        user,
    })
}

pub(crate) fn summary(id: UserId, username: &str) -> UserSummary {
    UserSummary {
        id: id.0,
        username: username.to_owned(),
    }
}

pub(crate) fn account(user: User) -> Account {
    Account {
        id: user.id.0,
        username: user.username,
        email: user.email,
        scopes: user.scopes.to_texts(),
        created_at: user.created_at,
    }
}

/// Of what was given to a client, and is valid.
pub(crate) fn introspected(found: Introspected) -> Introspection {
    Introspection {
        active: true,
        scope: Some(found.scopes.to_string()),
        sub: Some(found.user.0),
        username: Some(found.username),
        token_type: found.is_access_token.then(|| "Bearer".to_owned()),
        iat: Some(found.created_at.timestamp()),
        exp: found.expires_at.map(|end| end.timestamp()),
        client_id: Some(found.client.0),
        aud: found.audience,
    }
}

/// Of a token that is valid.
pub(crate) fn introspection(caller: &Caller, token: &Token) -> Introspection {
    Introspection {
        active: true,
        scope: Some(caller.scopes().to_string()),
        sub: Some(caller.user_id().0),
        username: Some(caller.username().to_owned()),
        token_type: Some("Bearer".to_owned()),
        iat: Some(token.created_at.timestamp()),
        exp: token.expires_at.map(|end| end.timestamp()),
        ..Introspection::default()
    }
}
