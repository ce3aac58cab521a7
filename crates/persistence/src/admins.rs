//! Whoever administers users over HTTP holds the scope `admin`. One who can sign in has to stay, or nobody could.

use crate::PgConnection;
use crate::locks::{self, Lock};
use crate::schema::users;
use crate::{DatabaseError, DatabaseResult};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use jeton_domain::{PasswordHash, UserId, Username};

/// What an act conflicts with after which no admin could sign in any more: see
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict).
pub const LAST_ADMIN: &str = "last_admin";

/// An admin who could sign in: see [`can_sign_in`]. A service account cannot, and so can make no admin anew.
const IS_ADMIN: &str = "('admin' = ANY (scopes) AND disabled_at IS NULL AND password_hash IS NOT NULL)";

/// Refuses to go on where the user is the last admin who can sign in. Otherwise the user's row, and the place of the
/// last admin, are the caller's until the transaction ends. The row is locked as an update of it locks it, and no more: rows
/// of other tables that refer to the user, in whatever transaction, do not hold that up.
///
/// # Errors
/// [`DatabaseError::Conflict`] with [`LAST_ADMIN`]; else see [`DatabaseError`].
pub(crate) fn keep_one(connection: &mut PgConnection, id: UserId) -> DatabaseResult<()> {
    let found: Option<(bool, String, Option<String>)> = users::table
        .find(id.0)
        .select((sql::<Bool>(IS_ADMIN), users::username_key, users::password_hash))
        .for_no_key_update()
        .first(connection)
        .optional()?;
    if !found.is_some_and(|(is_admin, key, hash)| is_admin && can_sign_in(&key, hash.as_deref())) {
        return Ok(());
    }
    // Whoever may take the last admin away holds it, or two admins could remove each other.
    locks::hold(connection, Lock::Admins)?;
    // A statement of its own, after the lock: its snapshot sees what whoever held the lock before has done.
    let others: Vec<(String, Option<String>)> = users::table
        .filter(users::id.ne(id.0))
        .filter(sql::<Bool>(IS_ADMIN))
        .select((users::username_key, users::password_hash))
        .load(connection)?;
    if others.iter().any(|(key, hash)| can_sign_in(key, hash.as_deref())) {
        return Ok(());
    }
    Err(DatabaseError::Conflict {
        constraint: LAST_ADMIN.to_owned(),
    })
}

/// Whether there is a name and a password to sign in with: a row from elsewhere may have neither.
fn can_sign_in(key: &str, hash: Option<&str>) -> bool {
    Username::is_reachable(key, key) && hash.is_some_and(|hash| PasswordHash::read(hash).is_readable())
}
