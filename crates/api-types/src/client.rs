#[cfg(feature = "schema")]
use crate::schema;
use crate::{SecretText, given, scopes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A client: a program that users let act for them (RFC 6749), as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Client, example = json!({
    "client_id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77",
    "name": "Notes for Desktops",
    "confidential": false,
    "redirect_uris": ["http://127.0.0.1/callback"],
    "scopes": ["notes:read"],
    "grant_types": ["authorization_code", "refresh_token", "device_code"],
    "service_account": null,
    "first_party": false,
    "created_at": "2026-11-23T20:10:54.389124Z",
    "disabled_at": null
})))]
pub struct ClientInfo {
    /// Names the client for good.
    pub client_id: Uuid,
    /// What users are told who asks.
    pub name: String,
    /// Whether it can keep a secret, and has one.
    pub confidential: bool,
    /// Where it may have users sent back to, byte by byte; but for the port where that is this machine (RFC 8252).
    pub redirect_uris: Vec<String>,
    /// What its tokens may do at the most.
    #[cfg_attr(feature = "schema", schema(value_type = schema::HeldScopes))]
    pub scopes: Vec<String>,
    /// How it may come to a token.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<schema::GrantType>))]
    pub grant_types: Vec<String>,
    /// The id of the service account whose tokens it gets for its own secret.
    pub service_account: Option<Uuid>,
    /// Whether it is the operator's own: users are not asked.
    pub first_party: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it gets no token and none of its tokens is accepted; null: not disabled.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A client, and its secret: the answer of `POST /v1/admin/clients` and `POST /v1/admin/clients/{id}/rotate-secret`, and the
/// only ones that ever hold it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "client_id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77",
    "name": "Nightly Reports",
    "confidential": true,
    "redirect_uris": [],
    "scopes": ["notes:read"],
    "grant_types": ["client_credentials"],
    "service_account": "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1",
    "first_party": false,
    "created_at": "2026-11-23T20:10:54.389124Z",
    "disabled_at": null,
    "client_secret": "jts_3yXH0m1Kc9RfQ2uVt7LpZbN5sWgJ8aTeD4oCqMi6hBkUxAvFn"
})))]
pub struct ClientWithSecret {
    /// The client.
    #[serde(flatten)]
    pub client: ClientInfo,
    /// What it proves with who it is; left out for a public client, which has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::ClientSecret>, nullable = false))]
    pub client_secret: Option<SecretText>,
}

/// The answer of `GET /v1/admin/clients`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClientList {
    /// Newest first.
    pub clients: Vec<ClientInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<Uuid>,
}

/// The body of `POST /v1/admin/clients`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "name": "Notes for Desktops", "redirect_uris": ["http://127.0.0.1/callback"], "scopes": ["notes:read"]
})))]
pub struct CreateClientRequest {
    /// What users are told who asks; must be no other client's.
    #[cfg_attr(feature = "schema", schema(value_type = schema::ClientName))]
    pub name: String,
    /// Where it may have users sent back to: `https`, or `http` to this machine, or a scheme of an app's own with a dot in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::RedirectUris>, nullable = false))]
    pub redirect_uris: Vec<String>,
    /// What its tokens may do at the most. `admin`, and what begins with `tokens:`, is never delegated.
    #[serde(alias = "scope", deserialize_with = "scopes::array_or_text")]
    #[cfg_attr(feature = "schema", schema(value_type = schema::AskedScopes))]
    pub scopes: Vec<String>,
    /// Whether it can keep a secret, and gets one.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(default = false))]
    pub confidential: bool,
    /// How it may come to a token. Where nothing is said: `authorization_code` with redirect URIs, `client_credentials` with a
    /// service account, `device_code` with neither, and for a public client; and `refresh_token` where users are asked.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<schema::GrantType>>, nullable = false, max_items = 4))]
    pub grant_types: Option<Vec<String>>,
    /// The id of the service account whose tokens it gets for its own secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<Uuid>,
    /// Whether it is the operator's own: users are not asked.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(default = false))]
    pub first_party: bool,
}

/// The body of `PUT /v1/admin/clients/{id}/redirect-uris`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "redirect_uris": ["https://app.example/callback"]
})))]
pub struct SetRedirectUrisRequest {
    /// All that there are from now on.
    #[cfg_attr(feature = "schema", schema(value_type = schema::RedirectUris))]
    pub redirect_uris: Vec<String>,
}

/// A scope that users may give to clients, in the words in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DelegableScope, example = json!({
    "name": "notes:read",
    "title": "Read your notes",
    "description": "All of them, and those that others share with you.",
    "resource": null
})))]
pub struct DelegableScopeInfo {
    /// The scope.
    #[cfg_attr(feature = "schema", schema(value_type = schema::Scope))]
    pub name: String,
    /// What it lets a program do, in a few words.
    pub title: String,
    /// The same in a sentence or two; may be empty.
    pub description: String,
    /// The resource that it belongs to (RFC 8707); null: to any.
    pub resource: Option<String>,
}

/// The answer of `GET /v1/admin/delegable-scopes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DelegableScopeList {
    /// By name.
    pub scopes: Vec<DelegableScopeInfo>,
}

/// The body of `PUT /v1/admin/delegable-scopes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "name": "notes:read", "title": "Read your notes"
})))]
pub struct SetDelegableScopeRequest {
    /// The scope. `admin`, and what begins with `tokens:`, is never delegated.
    #[cfg_attr(feature = "schema", schema(value_type = schema::Scope))]
    pub name: String,
    /// What it lets a program do, in a few words.
    #[cfg_attr(feature = "schema", schema(value_type = schema::ScopeTitle))]
    pub title: String,
    /// The same in a sentence or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::ScopeDescription>, nullable = false))]
    pub description: String,
    /// The resource that it belongs to (RFC 8707): an absolute URI without fragment; null: to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::ResourceUri>))]
    pub resource: Option<String>,
}

/// The query of `DELETE /v1/admin/delegable-scopes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "name": "notes:read" })))]
pub struct DelegableScopeQuery {
    /// The scope.
    pub name: String,
}
