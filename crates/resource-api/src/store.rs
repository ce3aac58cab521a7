//! The notes in their table. The owner stands in every `WHERE`: nobody else's note is found, changed or deleted.

use crate::schema::notes;
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use jeton_domain::UserId;
use jeton_persistence::DatabaseResult;
use jeton_persistence::PgConnection;
use uuid::Uuid;

/// The constraint that a note of a deleted user conflicts with: see [`DatabaseError::Conflict`].
///
/// [`DatabaseError::Conflict`]: jeton_persistence::DatabaseError::Conflict
pub const OWNER: &str = "notes_user_id_fkey";

diesel::define_sql_function! {
    /// Deletes a note of its owner's; says whether there was one. The service may delete by nothing else.
    #[sql_name = "demo.delete_note"]
    fn delete_note(note: SqlUuid, owner: SqlUuid) -> Bool;
}

/// A note as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = notes, check_for_backend(Pg))]
pub struct NoteRow {
    /// Names the note: a UUIDv7, so that ids sort by creation time.
    pub id: Uuid,
    /// What it is about.
    pub title: String,
    /// What it says.
    pub body: String,
    /// When it was written first.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
}

/// Stores a new note.
///
/// # Errors
/// A conflict with [`OWNER`] when the owner is gone; else see [`DatabaseError`](jeton_persistence::DatabaseError).
pub fn create(
    connection: &mut PgConnection,
    owner: UserId,
    id: Uuid,
    title: &str,
    body: &str,
) -> DatabaseResult<NoteRow> {
    Ok(diesel::insert_into(notes::table)
        .values((
            notes::id.eq(id),
            notes::user_id.eq(owner.0),
            notes::title.eq(title),
            notes::body.eq(body),
        ))
        .returning(NoteRow::as_returning())
        .get_result(connection)?)
}

/// Reads the owner's notes, newest first, at most `limit` of those older than `after`.
///
/// # Errors
/// See [`DatabaseError`](jeton_persistence::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    owner: UserId,
    after: Option<Uuid>,
    limit: u32,
) -> DatabaseResult<Vec<NoteRow>> {
    let mut query = notes::table.filter(notes::user_id.eq(owner.0)).into_boxed();
    if let Some(after) = after {
        query = query.filter(notes::id.lt(after));
    }
    Ok(query
        .order(notes::id.desc())
        .limit(i64::from(limit))
        .select(NoteRow::as_select())
        .load(connection)?)
}

/// Reads one of the owner's notes.
///
/// # Errors
/// See [`DatabaseError`](jeton_persistence::DatabaseError).
pub fn find(connection: &mut PgConnection, owner: UserId, id: Uuid) -> DatabaseResult<Option<NoteRow>> {
    Ok(notes::table
        .find(id)
        .filter(notes::user_id.eq(owner.0))
        .select(NoteRow::as_select())
        .first(connection)
        .optional()?)
}

/// Replaces one of the owner's notes. `None` when the owner has no such note.
///
/// # Errors
/// See [`DatabaseError`](jeton_persistence::DatabaseError).
pub fn replace(
    connection: &mut PgConnection,
    owner: UserId,
    id: Uuid,
    title: &str,
    body: &str,
) -> DatabaseResult<Option<NoteRow>> {
    Ok(
        diesel::update(notes::table.find(id).filter(notes::user_id.eq(owner.0)))
            .set((
                notes::title.eq(title),
                notes::body.eq(body),
                notes::updated_at.eq(now),
            ))
            .returning(NoteRow::as_returning())
            .get_result(connection)
            .optional()?,
    )
}

/// Deletes one of the owner's notes; says whether there was one.
///
/// # Errors
/// See [`DatabaseError`](jeton_persistence::DatabaseError).
pub fn delete(connection: &mut PgConnection, owner: UserId, id: Uuid) -> DatabaseResult<bool> {
    Ok(diesel::select(delete_note(id, owner.0)).get_result(connection)?)
}
