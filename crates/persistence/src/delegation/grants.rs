//! What users have let clients do: seeing it, and taking it back.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{clients, grants};
use crate::{DatabaseResult, Pending};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use jeton_coherence::revocations::revoking;
use jeton_coherence::{TextArray, scopes};
use jeton_domain::{AuditAction, AuditContext, AuditReason, ClientId, GrantId, ScopeSet, UserId};
use serde_json::json;
use uuid::Uuid;

/// What a user has let a client do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Names it.
    pub id: GrantId,
    /// To which client.
    pub client: ClientId,
    /// What that is called.
    pub client_name: String,
    /// What the user has consented to, in all.
    pub scopes: ScopeSet,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    client_id: Uuid,
    client_name: String,
    scopes: TextArray,
    created_at: DateTime<Utc>,
}

/// Reads what the user has let clients do, newest first, at most `limit` of those older than `after`.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    user: UserId,
    after: Option<GrantId>,
    limit: u32,
) -> DatabaseResult<Vec<Grant>> {
    let mut query = grants::table
        .inner_join(clients::table)
        .filter(grants::user_id.eq(user.0))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(grants::id.lt(after.0));
    }
    let rows: Vec<Row> = query
        .order(grants::id.desc())
        .limit(i64::from(limit))
        .select((
            grants::id,
            grants::client_id,
            clients::name,
            grants::scopes,
            grants::created_at,
        ))
        .load(connection)?;
    let read = |row: Row| Grant {
        id: GrantId(row.id),
        client: ClientId(row.client_id),
        client_name: row.client_name,
        scopes: scopes("grants.scopes", row.id, &row.scopes),
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Takes back what the user has let a client do, with every token that came of it; says whether there was such a thing.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    id: GrantId,
) -> DatabaseResult<Pending<bool>> {
    revoking(connection, |connection| {
        // Whoever is issuing by it holds the user's row: its tokens are found here, or it finds no grant.
        crate::tokens::lock(connection, user)?;
        take_back(connection, by, user, id, None)
    })
}

/// The same within the caller's transaction, which holds the user's row.
pub(super) fn take_back(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    id: GrantId,
    reason: Option<AuditReason>,
) -> DatabaseResult<bool> {
    let target = grants::table.find(id.0).filter(grants::user_id.eq(user.0));
    let client: Option<Uuid> = diesel::delete(target)
        .returning(grants::client_id)
        .get_result(connection)
        .optional()?;
    let Some(client) = client else {
        return Ok(false);
    };
    let mut detail = json!({ "grant_id": id.0, "client_id": client });
    if let Some(reason) = reason {
        detail["reason"] = json!(reason.as_str());
    }
    let event = NewAuditEvent::new(AuditAction::GrantRevoked)
        .of(user)
        .detail(detail);
    audit::record(connection, by, &event)?;
    Ok(true)
}
