//! The notes: each belongs to the user whose token wrote it, and nobody else's token finds it.

use crate::store::{self, NoteRow};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, http::header::LOCATION};
use chrono::{DateTime, Utc};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use jeton_http_kit::{Json, Page, database_problem};
use jeton_persistence::{Database, DatabaseError};
use jeton_verifier::Caller;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

type Answer = Result<HttpResponse, ProblemResponse>;

/// What a client writes.
#[derive(Deserialize)]
pub(crate) struct NoteRequest {
    title: String,
    body: String,
}

/// What a client reads.
#[derive(Serialize)]
struct Note {
    id: Uuid,
    title: String,
    body: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct NoteList {
    notes: Vec<Note>,
    next: Option<Uuid>,
}

impl From<NoteRow> for Note {
    fn from(row: NoteRow) -> Self {
        let NoteRow {
            id,
            title,
            body,
            created_at,
            updated_at,
        } = row;
        Self {
            id,
            title,
            body,
            created_at,
            updated_at,
        }
    }
}

/// `GET /notes`: the caller's notes, newest first, a page at a time.
pub(crate) async fn list(database: Data<Database>, caller: Caller, page: Query<Page>) -> Answer {
    let (owner, after, limit) = (caller.user_id(), page.after, page.limit.get());
    let found = database
        .run(move |connection| store::list(connection, owner, after, limit + 1))
        .await;
    let found = found.map_err(problem)?.into_iter().map(Note::from).collect();
    let (notes, next) = page.cut(found, |note| note.id);
    Ok(HttpResponse::Ok().json(NoteList { notes, next }))
}

/// `POST /notes`: a new note.
pub(crate) async fn create(database: Data<Database>, caller: Caller, body: Json<NoteRequest>) -> Answer {
    let Json(NoteRequest { title, body }) = body;
    check(&title, &body)?;
    let (owner, id) = (caller.user_id(), Uuid::now_v7());
    let created = database
        .run(move |connection| store::create(connection, owner, id, &title, &body))
        .await;
    let note = Note::from(created.map_err(problem)?);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/notes/{}", note.id)))
        .json(note))
}

/// `GET /notes/{id}`: one of the caller's notes.
pub(crate) async fn show(database: Data<Database>, caller: Caller, id: Path<Uuid>) -> Answer {
    let (owner, id) = (caller.user_id(), id.into_inner());
    let found = database
        .run(move |connection| store::find(connection, owner, id))
        .await;
    let note = found.map_err(problem)?.ok_or_else(no_such_note)?;
    Ok(HttpResponse::Ok().json(Note::from(note)))
}

/// `PUT /notes/{id}`: replaces one of the caller's notes.
pub(crate) async fn replace(
    database: Data<Database>,
    caller: Caller,
    id: Path<Uuid>,
    body: Json<NoteRequest>,
) -> Answer {
    let Json(NoteRequest { title, body }) = body;
    check(&title, &body)?;
    let (owner, id) = (caller.user_id(), id.into_inner());
    let replaced = database
        .run(move |connection| store::replace(connection, owner, id, &title, &body))
        .await;
    let note = replaced.map_err(problem)?.ok_or_else(no_such_note)?;
    Ok(HttpResponse::Ok().json(Note::from(note)))
}

/// `DELETE /notes/{id}`: deletes one of the caller's notes.
pub(crate) async fn delete(database: Data<Database>, caller: Caller, id: Path<Uuid>) -> Answer {
    let (owner, id) = (caller.user_id(), id.into_inner());
    let deleted = database
        .run(move |connection| store::delete(connection, owner, id))
        .await;
    if deleted.map_err(problem)? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(no_such_note())
    }
}

fn check(title: &str, body: &str) -> Result<(), ProblemResponse> {
    let mut errors = Vec::new();
    let mut refuse = |pointer: &str, detail: &str| {
        errors.push(FieldError {
            pointer: pointer.to_owned(),
            detail: detail.to_owned(),
        });
    };
    if !(1..=200).contains(&title.trim().chars().count()) || title.chars().any(char::is_control) {
        refuse("/title", "must be 1 to 200 characters on one line");
    }
    // The one character that Postgres cannot keep in a text.
    if body.contains('\0') {
        refuse("/body", "must not contain the character NUL");
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ProblemResponse::validation(errors))
    }
}

fn problem(error: DatabaseError) -> ProblemResponse {
    match error {
        // The caller's user was deleted between the check and the insert: the token is gone with the user.
        DatabaseError::Conflict { constraint } if constraint == store::OWNER => {
            ProblemResponse::invalid_token()
        }
        other => database_problem(&other),
    }
}

fn no_such_note() -> ProblemResponse {
    ProblemResponse::new(ProblemKind::NotFound, "You have no such note.")
}
