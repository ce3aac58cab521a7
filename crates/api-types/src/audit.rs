use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;
use uuid::Uuid;

/// Something that happened, as the audit log tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AuditEvent, example = json!({
    "id": "01a20a08-7411-7a2c-9a77-6a1f60f4a3c5",
    "at": "2026-11-23T20:10:54.389124Z",
    "action": "sign-in",
    "actor_id": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "actor_username": "ada",
    "actor_label": null,
    "subject_id": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "subject_username": "ada",
    "token_id": "01a20a08-721c-71bf-b9fb-b59fd8b911bd",
    "address": "192.0.2.7",
    "request_id": "01a20a08-7410-7d5e-9d7a-0f4a8b1c2d3e",
    "detail": {}
})))]
pub struct AuditEventInfo {
    /// Names the event.
    pub id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, as `sign-in` or `token-revoked`; perhaps of a later version, that this one has no name for.
    pub action: String,
    /// Which user did it; null: no user, see `actor_label`.
    pub actor_id: Option<Uuid>,
    /// What that user is called; null also for one who is gone.
    pub actor_username: Option<String>,
    /// Who did it, where that is no user: `cli` or `anonymous`, or what a later version writes.
    pub actor_label: Option<String>,
    /// The user to whom it happened.
    pub subject_id: Option<Uuid>,
    /// What that user was called.
    pub subject_username: Option<String>,
    /// The token that was issued, renamed or revoked.
    pub token_id: Option<Uuid>,
    /// The client's address; null: not by way of the network.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub address: Option<IpAddr>,
    /// What the log names the request by.
    pub request_id: Option<String>,
    /// What else is worth knowing: an object.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub detail: Value,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditEventList {
    /// Newest first.
    pub events: Vec<AuditEventInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<String>,
}
