//! Writing down what happens.

use crate::DatabaseResult;
use crate::PgConnection;
use crate::functions::{coalesce, left};
use crate::schema::{audit_events, users};
use diesel::prelude::*;
use ipnet::IpNet;
use jeton_domain::{AuditAction, AuditContext, AuditReason, TokenId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

/// A request id is cut to so many characters.
const LONGEST_REQUEST_ID: i32 = 128;

/// Something that happened, about to be written down.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    action: AuditAction,
    subject: Option<UserId>,
    /// Where the subject has it no more, and cannot be asked for it.
    username: Option<String>,
    token: Option<TokenId>,
    detail: Value,
}

impl NewAuditEvent {
    /// An event that says no more than that.
    #[must_use]
    pub fn new(action: AuditAction) -> Self {
        Self {
            action,
            subject: None,
            username: None,
            token: None,
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    /// To whom it happened.
    #[must_use]
    pub fn of(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// To whom, by the name that is gone by that.
    #[must_use]
    pub(crate) fn of_gone(self, subject: UserId, username: String) -> Self {
        Self {
            username: Some(username),
            ..self.of(subject)
        }
    }

    /// With which token.
    #[must_use]
    pub fn token(mut self, token: TokenId) -> Self {
        self.token = Some(token);
        self
    }

    /// Why, and nothing else: the event's detail.
    #[must_use]
    pub fn reason(self, reason: AuditReason) -> Self {
        self.detail(json!({ "reason": reason.as_str() }))
    }

    /// What else is worth knowing: a small JSON object, and never a secret.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Writes an event down, together with what else the caller's transaction does.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn record(connection: &mut PgConnection, by: &AuditContext, event: &NewAuditEvent) -> DatabaseResult<()> {
    use audit_events as e;
    let subject = event.subject.map(|id| id.0);
    let username = users::table
        .filter(users::id.nullable().eq(subject))
        .select(users::username)
        .single_value();
    diesel::insert_into(e::table)
        .values((
            e::id.eq(Uuid::now_v7()),
            e::action.eq(event.action.as_str()),
            e::actor_id.eq(by.actor.user_id().map(|id| id.0)),
            e::actor_label.eq(by.actor.label()),
            e::subject_id.eq(subject),
            e::subject_username.eq(coalesce(event.username.as_deref(), username)),
            e::token_id.eq(event.token.map(|id| id.0)),
            e::address.eq(by.address.map(IpNet::from)),
            e::request_id.eq(left(by.request_id.as_deref(), LONGEST_REQUEST_ID)),
            e::detail.eq(&event.detail),
        ))
        .execute(connection)?;
    Ok(())
}
