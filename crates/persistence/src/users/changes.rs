//! Another name, another e-mail address.

use super::USERNAME_TAKEN;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::users;
use crate::{DatabaseError, DatabaseResult, Pending, rate_limit};
use diesel::prelude::*;
use jeton_coherence::revocations::revoking;
use jeton_domain::{AuditAction, AuditContext, Email, PasswordHash, User, UserChanges, UserId, Username};
use serde_json::json;

/// Changes a user in somebody else's name: the operator's, say. The user's tokens stay. Verifiers remember the name, so
/// that another one holds once they have forgotten it. What is the same already is not changed. `None` when there is no
/// such user.
///
/// # Errors
/// [`DatabaseError::Conflict`] with [`USERNAME_TAKEN`]; else see [`DatabaseError`].
pub fn change(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    changes: &UserChanges,
) -> DatabaseResult<Pending<Option<User>>> {
    change_if(connection, by, id, changes, None)
}

/// As [`change`], for the user whose password `verified` is the hash of. `None`, and nothing is changed, when the password
/// is another by now or the user is gone or disabled.
///
/// # Errors
/// As [`change`].
pub fn change_for_password(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    verified: &PasswordHash,
    changes: &UserChanges,
) -> DatabaseResult<Pending<Option<User>>> {
    change_if(connection, by, id, changes, Some(verified))
}

/// A user's row, locked.
struct Locked {
    key: String,
    username: String,
    email: Option<String>,
}

fn change_if(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    changes: &UserChanges,
    verified: Option<&PasswordHash>,
) -> DatabaseResult<Pending<Option<User>>> {
    revoking(connection, |connection| {
        let Some(before) = lock(connection, id, changes.username.as_ref(), verified)? else {
            return Ok(None);
        };
        if let Some(username) = &changes.username
            && (before.username.as_str(), before.key.as_str()) != (username.as_str(), username.key().as_str())
        {
            rename(connection, by, id, &before, username)?;
        }
        if let Some(email) = &changes.email
            && before.email.as_deref() != email.as_ref().map(Email::as_str)
        {
            set_email(connection, by, id, email.as_ref())?;
        }
        super::find(connection, id)
    })
}

/// Locks the user's row, and that of whoever has the name already, in one order: of two users who ask for each other's
/// names, neither waits for the other.
fn lock(
    connection: &mut PgConnection,
    id: UserId,
    wanted: Option<&Username>,
    verified: Option<&PasswordHash>,
) -> DatabaseResult<Option<Locked>> {
    type Row = (uuid::Uuid, String, String, Option<String>, Option<String>, bool);
    let key = wanted.map(|username| username.key().as_str());
    let query = users::table
        .filter(users::id.eq(id.0).or(users::username_key.nullable().eq(key)))
        .order(users::id)
        .select((
            users::id,
            users::username_key,
            users::username,
            users::email,
            users::password_hash,
            users::disabled_at.is_not_null(),
        ));
    // A new key takes the row away from who refers to it with a foreign key, and another address does not: it waits for nobody.
    let rows: Vec<Row> = if wanted.is_some() {
        query.for_update().load(connection)?
    } else {
        query.for_no_key_update().load(connection)?
    };
    let (own, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.0 == id.0);
    let Some((_, key, username, email, hash, disabled)) = own.into_iter().next() else {
        return Ok(None);
    };
    if let Some(verified) = verified
        && (disabled || hash.as_deref() != Some(verified.expose_encoded()))
    {
        return Ok(None);
    }
    if !others.is_empty() {
        return Err(DatabaseError::Conflict {
            constraint: USERNAME_TAKEN.to_owned(),
        });
    }
    Ok(Some(Locked { key, username, email }))
}

fn rename(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    before: &Locked,
    username: &Username,
) -> DatabaseResult<()> {
    let key = username.key().as_str();
    diesel::update(users::table.find(id.0))
        .set((users::username.eq(username.as_str()), users::username_key.eq(key)))
        .execute(connection)?;
    if before.key != key {
        rate_limit::rename(connection, &before.key, key)?;
    }
    let detail = json!({ "from": before.username, "to": username.as_str() });
    let event = NewAuditEvent::new(AuditAction::UserRenamed).of_gone(id, before.username.clone());
    audit::record(connection, by, &event.detail(detail))
}

fn set_email(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: UserId,
    email: Option<&Email>,
) -> DatabaseResult<()> {
    diesel::update(users::table.find(id.0))
        .set(users::email.eq(email.map(Email::as_str)))
        .execute(connection)?;
    audit::record(
        connection,
        by,
        &NewAuditEvent::new(AuditAction::EmailChanged).of(id),
    )
}
