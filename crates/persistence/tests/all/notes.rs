use crate::support::{connect, count, create_user, execute, outcome, text};
use jeton_domain::{Initiator, NoteId, UserId};
use jeton_persistence::notes::{self, NoteRow};
use jeton_persistence::{DatabaseError, PgConnection, users};
use jeton_proof_support::TestDatabase;
use uuid::Uuid;

fn write(connection: &mut PgConnection, owner: UserId, title: &str) -> NoteRow {
    notes::create(connection, owner, NoteId(Uuid::now_v7()), title, "body").unwrap()
}

#[test]
fn a_note_is_found_as_it_was_written() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    let id = NoteId(Uuid::now_v7());
    let note = notes::create(connection, ada, id, "Grüße", "line\nline").unwrap();
    assert_eq!(
        (note.id, note.title.as_str(), note.body.as_str()),
        (id.0, "Grüße", "line\nline")
    );
    assert_eq!(note.created_at, note.updated_at);
    assert_eq!(notes::find(connection, ada, id).unwrap(), Some(note));
    assert_eq!(
        notes::find(connection, ada, NoteId(Uuid::now_v7())).unwrap(),
        None
    );
}

#[test]
fn somebody_elses_note_is_no_note() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let (ada, bob) = (
        create_user(connection, "ada").id,
        create_user(connection, "bob").id,
    );
    let note = write(connection, ada, "mine");
    let id = NoteId(note.id);
    assert_eq!(notes::find(connection, bob, id).unwrap(), None);
    assert_eq!(notes::list(connection, bob, None, 10).unwrap(), []);
    assert_eq!(notes::replace(connection, bob, id, "his", "his").unwrap(), None);
    assert!(!notes::delete(connection, bob, id).unwrap());
    assert_eq!(notes::find(connection, ada, id).unwrap(), Some(note));
}

#[test]
fn replacing_keeps_the_first_time_and_notes_the_last() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    let (other, note) = (write(connection, ada, "other"), write(connection, ada, "old"));
    execute(
        connection,
        "UPDATE notes SET created_at = '2020-01-01', updated_at = '2020-01-01'",
    );
    let id = NoteId(note.id);
    let replaced = notes::replace(connection, ada, id, "new", "newer")
        .unwrap()
        .unwrap();
    assert_eq!(
        (replaced.title.as_str(), replaced.body.as_str()),
        ("new", "newer")
    );
    assert_eq!(replaced.created_at.to_rfc3339(), "2020-01-01T00:00:00+00:00");
    let by_clock = format!(
        "SELECT updated_at BETWEEN now() - interval '1 minute' AND now() FROM notes WHERE id = '{id}'"
    );
    assert_eq!(text(connection, &by_clock), "true");
    assert_eq!(notes::find(connection, ada, id).unwrap(), Some(replaced));
    let untouched = notes::find(connection, ada, NoteId(other.id)).unwrap().unwrap();
    assert_eq!(untouched.title, "other");
}

#[test]
fn deleting_deletes_one_and_once() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    let (kept, gone) = (write(connection, ada, "kept"), write(connection, ada, "gone"));
    assert!(notes::delete(connection, ada, NoteId(gone.id)).unwrap());
    assert!(!notes::delete(connection, ada, NoteId(gone.id)).unwrap());
    assert_eq!(notes::list(connection, ada, None, 10).unwrap(), [kept]);
}

#[test]
fn pages_go_from_new_to_old_and_hold_the_owners_only() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let (ada, bob) = (
        create_user(connection, "ada").id,
        create_user(connection, "bob").id,
    );
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(write(connection, ada, &number.to_string()));
        write(connection, bob, "between");
    }
    all.reverse();
    let mut page = |after: Option<&NoteRow>, limit| {
        notes::list(connection, ada, after.map(|note| NoteId(note.id)), limit).unwrap()
    };
    assert_eq!(page(None, 10), all);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(&all[1]), 2), all[2..4]);
    assert_eq!(page(Some(&all[3]), 2), all[4..]);
    assert_eq!(page(Some(&all[4]), 2), []);
}

#[test]
fn nobody_writes_for_a_user_who_is_gone() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    let note = NoteId(write(connection, ada, "title").id);
    outcome(users::delete(connection, &Initiator::cli(), ada).unwrap());
    let written = notes::create(connection, ada, NoteId(Uuid::now_v7()), "title", "body");
    assert!(
        matches!(&written, Err(DatabaseError::Conflict { constraint }) if constraint == notes::OWNER),
        "{written:?}"
    );
    assert_eq!(
        notes::replace(connection, ada, note, "title", "body").unwrap(),
        None
    );
    assert_eq!(count(connection, "notes"), 0);
}
