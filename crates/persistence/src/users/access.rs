//! What a user may do, and whether a user may do anything at all.

use super::find;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::rows::UserRow;
use crate::schema::users;
use crate::transaction;
use crate::{DatabaseResult, Pending, admins};
use diesel::IntoSql;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use jeton_coherence::revocations::revoking;
use jeton_domain::{ADMIN, AuditAction, AuditContext, ScopeSet, User, UserId};
use serde_json::json;

/// Sets what the user's tokens may do at the most. `None` when there is no such user.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`LAST_ADMIN`](crate::LAST_ADMIN); else see
/// [`DatabaseError`](crate::DatabaseError).
pub fn set_scopes(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    scopes: &ScopeSet,
) -> DatabaseResult<Pending<Option<User>>> {
    revoking(connection, |connection| {
        if !scopes.contains(ADMIN) {
            admins::keep_one(connection, id)?;
        }
        let before: Option<UserRow> = users::table
            .find(id.0)
            .select(UserRow::as_select())
            .for_no_key_update()
            .first(connection)
            .optional()?;
        let Some(before) = before else {
            return Ok(None);
        };
        // As they are stored: what is no scope is to go, too.
        if before.stored_scopes().into_iter().eq(scopes.iter()) {
            return Ok(Some(before.into()));
        }
        let after: UserRow = diesel::update(users::table.find(id.0))
            .set(users::scopes.eq(scopes.to_texts()))
            .returning(UserRow::as_returning())
            .get_result(connection)?;
        let detail = json!({ "from": before.stored_scopes(), "to": scopes.to_texts() });
        let event = NewAuditEvent::new(AuditAction::ScopesChanged).of(id);
        audit::record(connection, by, &event.detail(detail))?;
        Ok(Some(after.into()))
    })
}

/// Keeps the user out: no sign-in, and no token is accepted. Twice keeps the first time. `None` when there is no such
/// user.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`LAST_ADMIN`](crate::LAST_ADMIN); else see
/// [`DatabaseError`](crate::DatabaseError).
pub fn disable(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
) -> DatabaseResult<Pending<Option<User>>> {
    revoking(connection, |connection| {
        admins::keep_one(connection, id)?;
        let disabled = diesel::update(users::table.find(id.0).filter(users::disabled_at.is_null()))
            .set(users::disabled_at.eq(now.into_sql::<Timestamptz>().nullable()))
            .execute(connection)?;
        if disabled > 0 {
            audit::record(
                connection,
                by,
                &NewAuditEvent::new(AuditAction::UserDisabled).of(id),
            )?;
        }
        find(connection, id)
    })
}

/// Lets the user in again, with the tokens from before. `None` when there is no such user.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn enable(connection: &mut PgConnection, by: &AuditContext, id: UserId) -> DatabaseResult<Option<User>> {
    transaction(connection, |connection| {
        let enabled = diesel::update(users::table.find(id.0).filter(users::disabled_at.is_not_null()))
            .set(users::disabled_at.eq(None::<chrono::DateTime<chrono::Utc>>))
            .execute(connection)?;
        if enabled > 0 {
            audit::record(
                connection,
                by,
                &NewAuditEvent::new(AuditAction::UserEnabled).of(id),
            )?;
        }
        find(connection, id)
    })
}
