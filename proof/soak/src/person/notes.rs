//! Notes at the resource API.

use super::{Held, Need, Person, Text};
use crate::judge::{Answer, Judged, Right};
use crate::operator::secret;
use crate::services::{Kind, Service};
use jeton_client::{ProblemKind, Session};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// As many as fit on one page of a list.
const NOTES: usize = 40;

#[derive(Debug, Deserialize)]
pub(super) struct Note {
    id: Uuid,
    title: String,
    body: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NoteList {
    notes: Vec<Note>,
    next: Option<Uuid>,
}

impl Note {
    fn text(&self) -> Text {
        Text {
            title: self.title.clone(),
            body: self.body.clone(),
        }
    }
}

impl Person {
    pub(super) async fn write_note(&mut self) -> Judged<()> {
        if self.notes.len() >= NOTES {
            return self.delete_note().await;
        }
        // To find out, where there is no answer.
        let Some(reader) = self.reader() else {
            return Ok(());
        };
        let (held, text) = (self.any_token(), some_text());
        let right = self.right(&held, Need::scope("notes:write"));
        let service = self.world.pick(Kind::Resource);
        let write = async |session: Session| {
            let body = json!({ "title": text.title, "body": text.body });
            session
                .post(service.url("/notes"))
                .json(&body)
                .send_json::<Note>()
                .await
        };
        match self.ask("note written", service, &held, right, write).await? {
            Answer::Done(note) => {
                self.check(note.text() == text, "the note written", &note)?;
                self.world.notes.remember(self.id, note.id);
                self.notes.insert(note.id, text);
                Ok(())
            }
            Answer::Refused(_) => Ok(()),
            Answer::Away => self.find_out(&reader, &text).await,
        }
    }

    /// Whether the note is there whose writing was answered 503: once Postgres is back, nothing is under way any more.
    async fn find_out(&mut self, reader: &Held, text: &Text) -> Judged<()> {
        let list = async |service: &Service, session: Session| {
            session.get(service.url("/notes")).send_json::<NoteList>().await
        };
        let rights = (Right::DONE, Right::DONE);
        let (answer, _) = self.insist("notes", Kind::Resource, reader, rights, list).await?;
        let found = answer.done().map(|list| list.notes).unwrap_or_default();
        if let Some(note) = found.iter().find(|note| note.text() == *text) {
            self.notes.insert(note.id, text.clone());
        }
        self.check_notes(&found)
    }

    /// A token that may read notes.
    fn reader(&self) -> Option<Held> {
        let may = |held: &&Held| self.may(held).is_some_and(|may| may.contains("notes:read"));
        self.tokens.iter().find(may).cloned()
    }

    pub(super) async fn list_notes(&self, held: &Held) -> Judged<()> {
        let right = self.right(held, Need::scope("notes:read"));
        let service = self.world.pick(Kind::Resource);
        let url = service.url("/notes");
        let list = async |session: Session| session.get(url).send_json::<NoteList>().await;
        match self.ask("notes", service, held, right, list).await?.done() {
            Some(list) => {
                self.check(list.next.is_none(), "another page of notes", &list.next)?;
                self.check_notes(&list.notes)
            }
            None => Ok(()),
        }
    }

    fn check_notes(&self, found: &[Note]) -> Judged<()> {
        let right = found.len() == self.notes.len()
            && found
                .iter()
                .all(|note| self.notes.get(&note.id) == Some(&note.text()));
        self.check(right, "notes", &(found, &self.notes))
    }

    pub(super) async fn read_note(&self, held: &Held, number: usize) -> Judged<()> {
        let Some((id, text)) = self.notes.iter().nth(number % self.notes.len().max(1)) else {
            return Ok(());
        };
        let right = self.right(held, Need::scope("notes:read"));
        let service = self.world.pick(Kind::Resource);
        let url = service.url(&format!("/notes/{id}"));
        let read = async |session: Session| session.get(url).send_json::<Note>().await;
        match self.ask("note", service, held, right, read).await?.done() {
            Some(note) => self.check(note.id == *id && note.text() == *text, "a note", &note),
            None => Ok(()),
        }
    }

    fn any_note(&mut self) -> Option<Uuid> {
        let number = self.any();
        self.notes.keys().nth(number % self.notes.len().max(1)).copied()
    }

    pub(super) async fn replace_note(&mut self) -> Judged<()> {
        let (held, text) = (self.any_token(), some_text());
        let Some(id) = self.any_note() else { return Ok(()) };
        let right = self.right(&held, Need::scope("notes:write"));
        let replace = async |service: &Service, session: Session| {
            let body = json!({ "title": text.title, "body": text.body });
            let url = service.url(&format!("/notes/{id}"));
            session.put(url).json(&body).send_json::<Note>().await
        };
        let rights = (right, right);
        let (answer, _) = self
            .insist("note replaced", Kind::Resource, &held, rights, replace)
            .await?;
        if let Some(note) = answer.done() {
            self.check(note.id == id && note.text() == text, "the note replaced", &note)?;
            self.notes.insert(id, text);
        }
        Ok(())
    }

    pub(super) async fn delete_note(&mut self) -> Judged<()> {
        let held = self.any_token();
        let Some(id) = self.any_note() else { return Ok(()) };
        let first = self.right(&held, Need::scope("notes:write"));
        let again = match first.is_done() {
            true => Right::done_or(&[ProblemKind::NotFound]),
            false => first,
        };
        let delete = async |service: &Service, session: Session| {
            let url = service.url(&format!("/notes/{id}"));
            session.delete(url).send().await.map(drop)
        };
        let rights = (first, again);
        self.insist("note deleted", Kind::Resource, &held, rights, delete)
            .await?;
        if first.is_done() {
            self.notes.remove(&id);
        }
        Ok(())
    }
}

fn some_text() -> Text {
    Text {
        title: secret(),
        body: secret().repeat(8),
    }
}
