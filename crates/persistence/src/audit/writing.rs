//! Writing down what happens.

use crate::DatabaseResult;
use crate::PgConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Inet, Jsonb, Nullable, Text, Uuid as SqlUuid};
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
    InsertEvent::new(by, event).execute(connection)?;
    Ok(())
}

/// The statement that writes an event down. Where ` FROM …` comes after it, it writes one for each row of that: so a statement
/// can do something and write down that it has.
#[derive(Debug, QueryId)]
pub(crate) struct InsertEvent {
    id: Uuid,
    action: &'static str,
    actor_id: Option<Uuid>,
    actor_label: Option<&'static str>,
    subject_id: Option<Uuid>,
    username: Option<String>,
    token_id: Option<Uuid>,
    address: Option<IpNet>,
    request_id: Option<String>,
    detail: Value,
}

impl InsertEvent {
    pub(crate) fn new(by: &AuditContext, event: &NewAuditEvent) -> Self {
        Self {
            id: Uuid::now_v7(),
            action: event.action.as_str(),
            actor_id: by.actor.user_id().map(|id| id.0),
            actor_label: by.actor.label(),
            subject_id: event.subject.map(|id| id.0),
            username: event.username.clone(),
            token_id: event.token.map(|id| id.0),
            address: by.address.map(IpNet::from),
            request_id: by.request_id.clone(),
            detail: event.detail.clone(),
        }
    }
}

impl QueryFragment<Pg> for InsertEvent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO audit_events (id, action, actor_id, actor_label, subject_id, token_id, address, detail, request_id, \
                subject_username) SELECT ",
        );
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.action)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.actor_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.actor_label)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.subject_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.token_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Inet>, _>(&self.address)?;
        out.push_sql(", ");
        out.push_bind_param::<Jsonb, _>(&self.detail)?;
        out.push_sql(", left(");
        out.push_bind_param::<Nullable<Text>, _>(&self.request_id)?;
        out.push_sql(&format!(", {LONGEST_REQUEST_ID}), coalesce("));
        out.push_bind_param::<Nullable<Text>, _>(&self.username)?;
        out.push_sql(", (SELECT username FROM users WHERE users.id = ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.subject_id)?;
        out.push_sql("))");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for InsertEvent {}
