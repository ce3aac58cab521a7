//! What is done by one at a time: rows that are locked, which only the auth service and the owner of the tables can. Any role
//! that can sign in to the database can hold any advisory lock, for as long as it likes.

use crate::DatabaseResult;
use crate::PgConnection;
use crate::schema::locks;
use diesel::prelude::*;

/// What one does at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    /// Changing a user in such a way that no admin might be left.
    Admins,
    /// Deleting what nobody needs any more.
    Cleanup,
}

impl Lock {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Admins, Self::Cleanup];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Cleanup => "cleanup",
        }
    }
}

/// Waits for the lock, and holds it until the transaction ends.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError): the row is not there, among others, where somebody has deleted it.
pub(crate) fn hold(connection: &mut PgConnection, lock: Lock) -> DatabaseResult<()> {
    let row = locks::table.find(lock.name()).select(locks::name);
    row.for_update().first::<String>(connection)?;
    Ok(())
}

/// Holds the lock until the transaction ends, if nobody has it; says whether that is so.
///
/// # Errors
/// As [`hold`].
pub(crate) fn try_hold(connection: &mut PgConnection, lock: Lock) -> DatabaseResult<bool> {
    let row = locks::table.find(lock.name()).select(locks::name);
    let held: Option<String> = row.for_update().skip_locked().first(connection).optional()?;
    if held.is_some() {
        return Ok(true);
    }
    row.first::<String>(connection)?;
    Ok(false)
}

/// Those of which there is no row.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub(crate) fn missing(connection: &mut PgConnection) -> DatabaseResult<Vec<&'static str>> {
    let there: Vec<String> = locks::table.select(locks::name).load(connection)?;
    let all = Lock::ALL.map(Lock::name).into_iter();
    Ok(all.filter(|name| !there.iter().any(|one| one == name)).collect())
}
