//! From the domain's types to what is sent, by the auth API and by the operator's commands alike.

use jeton_api_types::{
    AuditEventInfo, ClientInfo, ClientWithSecret, DelegableScopeInfo, ExposeSecret, NetworkLimitInfo,
    SecretText, TokenInfo, UserInfo, VerifierInfo,
};
use jeton_domain::delegation::{Client, ClientSecret, DelegableScope, Resource};
use jeton_domain::{Token, User};
use jeton_persistence::audit::AuditEvent;
use jeton_persistence::delegation::scopes::StoredScope;
use jeton_persistence::rate_limit::{NetworkLimit, network_text};
use jeton_persistence::verifiers::Registration;

/// As its owner sees a token.
#[must_use]
pub fn token(token: Token) -> TokenInfo {
    TokenInfo {
        id: token.id.0,
        kind: token.kind.to_string(),
        name: token.name,
        scopes: token.scopes.to_texts(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        idle_ttl: token.idle_ttl.map(|ttl| ttl.as_secs()),
        last_used_at: token.last_used_at,
    }
}

/// As an administrator sees a user.
#[must_use]
pub fn user(user: User) -> UserInfo {
    UserInfo {
        id: user.id.0,
        username: user.username,
        email: user.email,
        scopes: user.scopes.to_texts(),
        service: user.service,
        created_at: user.created_at,
        disabled_at: user.disabled_at,
    }
}

/// As the audit log tells an event.
#[must_use]
pub fn audit_event(event: AuditEvent) -> AuditEventInfo {
    AuditEventInfo {
        id: event.id,
        at: event.at,
        action: event.action,
        actor_id: event.actor_id.map(|id| id.0),
        actor_username: event.actor_username,
        actor_label: event.actor_label,
        subject_id: event.subject_id.map(|id| id.0),
        subject_username: event.subject_username,
        token_id: event.token_id.map(|id| id.0),
        address: event.address,
        request_id: event.request_id,
        detail: event.detail,
    }
}

/// As an administrator sees what counts for a network.
#[must_use]
pub fn network_limit(limit: NetworkLimit) -> NetworkLimitInfo {
    NetworkLimitInfo {
        network: network_text(limit.network),
        failures: limit.failures.ceil() as u32,
        last_at: limit.last_at,
        blocked_for: limit.blocked.map(|left| left.as_secs_f64().ceil() as u64),
    }
}

/// As an administrator sees a verifier.
#[must_use]
pub fn verifier(verifier: Registration) -> VerifierInfo {
    VerifierInfo {
        id: verifier.id,
        lease_ms: u64::try_from(verifier.lease().as_millis()).unwrap_or(u64::MAX),
        name: verifier.name,
        role: verifier.role,
        registered_at: verifier.registered_at,
    }
}

/// As an administrator sees a client.
#[must_use]
pub fn client(client: Client) -> ClientInfo {
    ClientInfo {
        client_id: client.id.0,
        name: client.name,
        confidential: client.confidential,
        redirect_uris: client
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned())
            .collect(),
        scopes: client.scopes.to_texts(),
        grant_types: client.grant_types.iter().map(ToString::to_string).collect(),
        service_account: client.service_account.map(|id| id.0),
        first_party: client.first_party,
        created_at: client.created_at,
        disabled_at: client.disabled_at,
    }
}

/// A client and its secret, where it has one that is handed over: nothing else ever says it.
#[must_use]
pub fn client_with_secret(of: Client, secret: Option<&ClientSecret>) -> ClientWithSecret {
    ClientWithSecret {
        client: client(of),
        client_secret: secret.map(|secret| SecretText::from(secret.expose_secret())),
    }
}

/// As an administrator sees a scope that users may give to clients.
#[must_use]
pub fn delegable_scope(scope: DelegableScope) -> DelegableScopeInfo {
    DelegableScopeInfo {
        name: scope.name.as_str().to_owned(),
        title: scope.title,
        description: scope.description,
        resource: scope.resource.as_ref().map(Resource::as_str).map(str::to_owned),
    }
}

/// The same of what the table holds, whatever that is.
#[must_use]
pub fn stored_scope(scope: StoredScope) -> DelegableScopeInfo {
    DelegableScopeInfo {
        name: scope.name,
        title: scope.title,
        description: scope.description,
        resource: scope.resource,
    }
}
