use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;
use uuid::Uuid;

/// Something that happened, as the audit log tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEventInfo {
    /// Names the event.
    pub id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, as `sign-in` or `token-revoked`.
    pub action: String,
    /// Which user did it; null: no user, see `actor_label`.
    pub actor_id: Option<Uuid>,
    /// What that user is called; null also for one who is gone.
    pub actor_username: Option<String>,
    /// Who did it, where that is no user: `cli` or `anonymous`.
    pub actor_label: Option<String>,
    /// The user to whom it happened.
    pub subject_id: Option<Uuid>,
    /// What that user was called.
    pub subject_username: Option<String>,
    /// The token that was issued, renamed or revoked.
    pub token_id: Option<Uuid>,
    /// The client's address; null: not by way of the network.
    pub address: Option<IpAddr>,
    /// What the log names the request by.
    pub request_id: Option<String>,
    /// What else is worth knowing: an object.
    pub detail: Value,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEventList {
    /// Newest first.
    pub events: Vec<AuditEventInfo>,
    /// The `after` of the next page; null: this was the last.
    pub next: Option<String>,
}
