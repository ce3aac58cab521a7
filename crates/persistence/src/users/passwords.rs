//! Changing passwords, and upgrading their hashes.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::users;
use crate::{DatabaseResult, Pending, rate_limit, tokens};
use diesel::prelude::*;
use jeton_coherence::revocations::revoking;
use jeton_domain::{AuditAction, AuditContext, PasswordHash, TokenId, UserId};
use serde_json::json;

/// Changes the password that `verified` is the hash of, and revokes all the user's tokens but `kept`. `false`, and
/// nothing is changed, when the password is another by now or the user is gone or disabled.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn change_password(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    verified: &PasswordHash,
    new: &PasswordHash,
    kept: TokenId,
) -> DatabaseResult<Pending<bool>> {
    revoking(connection, |connection| {
        let target = users::table
            .find(id.0)
            .filter(users::password_hash.eq(verified.expose_encoded()))
            .filter(users::disabled_at.is_null());
        let changed = diesel::update(target)
            .set(users::password_hash.eq(new.expose_encoded()))
            .execute(connection)?
            > 0;
        if changed {
            let revoked = tokens::revoke_except(connection, id, Some(kept))?;
            let event = NewAuditEvent::new(AuditAction::PasswordChanged).of(id);
            audit::record(connection, by, &event.detail(json!({ "revoked": revoked })))?;
        }
        Ok(changed)
    })
}

/// Replaces a hash by another of the same password; `false`, and nothing is done, when it is another by now: what the user
/// or an operator has set meanwhile stays. Revokes nothing, since nothing else has changed.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn upgrade_password_hash(
    connection: &mut PgConnection,
    id: UserId,
    verified: &PasswordHash,
    upgraded: &PasswordHash,
) -> DatabaseResult<bool> {
    let target = users::table
        .find(id.0)
        .filter(users::password_hash.eq(verified.expose_encoded()));
    let replaced = diesel::update(target)
        .set(users::password_hash.eq(upgraded.expose_encoded()))
        .execute(connection)?;
    Ok(replaced > 0)
}

/// Sets a password in the operator's name and revokes all the user's tokens. What failed with the old one blocks nobody
/// who has the new one. `false` when there is no such user.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn set_password(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    new: &PasswordHash,
) -> DatabaseResult<Pending<bool>> {
    revoking(connection, |connection| {
        let changed = diesel::update(users::table.find(id.0))
            .set((
                users::password_hash.eq(new.expose_encoded()),
                // Whoever signs in is a person.
                users::is_service_account.eq(false),
            ))
            .execute(connection)?
            > 0;
        if changed {
            let revoked = tokens::revoke_except(connection, id, None)?;
            rate_limit::clear(connection, id)?;
            let event = NewAuditEvent::new(AuditAction::PasswordSet).of(id);
            audit::record(connection, by, &event.detail(json!({ "revoked": revoked })))?;
        }
        Ok(changed)
    })
}
