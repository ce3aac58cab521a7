//! The statements about notes, and the database's own rules.

use crate::support::database;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};
use jeton_domain::{AuditContext, NewUser, ScopeSet, UserId, Username};
use jeton_persistence::{DatabaseError, DatabaseResult, PgConnection, users};
use jeton_proof_support::{count, execute, text, wait_for_blocked};
use jeton_resource_api::store::{self, NoteRow};
use std::thread;
use uuid::Uuid;

fn create_user(connection: &mut PgConnection, name: &str) -> UserId {
    let new = NewUser {
        service: true,
        id: UserId(Uuid::now_v7()),
        username: Username::parse(name).unwrap(),
        email: None,
        password_hash: None,
        scopes: ScopeSet::parse("notes:read notes:write").unwrap(),
    };
    users::create(connection, &AuditContext::cli(), &new).unwrap().id
}

fn owner_is_gone<T: std::fmt::Debug>(written: &DatabaseResult<T>) {
    assert!(
        matches!(written, Err(DatabaseError::Conflict { constraint }) if constraint == store::OWNER),
        "{written:?}"
    );
}

fn write(connection: &mut PgConnection, owner: UserId, title: &str) -> NoteRow {
    store::create(connection, owner, Uuid::now_v7(), title, "body").unwrap()
}

#[test]
fn a_note_is_found_as_it_was_written() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let id = Uuid::now_v7();
    let note = store::create(connection, ada, id, "Grüße", "line\nline").unwrap();
    assert_eq!(
        (note.id, note.title.as_str(), note.body.as_str()),
        (id, "Grüße", "line\nline")
    );
    assert_eq!(note.created_at, note.updated_at);
    assert_eq!(store::find(connection, ada, id).unwrap(), Some(note));
    assert_eq!(store::find(connection, ada, Uuid::now_v7()).unwrap(), None);
}

#[test]
fn no_note_gets_in_with_a_time_that_nothing_could_read() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    write(connection, ada, "mine");
    for column in ["created_at", "updated_at"] {
        for time in [
            "infinity",
            "-infinity",
            "10000-01-01 00:00:00Z",
            "1969-12-31 23:59:59Z",
        ] {
            let change = format!("UPDATE demo.notes SET {column} = '{time}'");
            let refused = connection.batch_execute(&change).map_err(DatabaseError::from);
            assert!(
                matches!(&refused, Err(DatabaseError::Conflict { constraint }) if *constraint == format!("notes_{column}_check")),
                "{change}: {refused:?}"
            );
        }
    }
    assert_eq!(store::list(connection, ada, None, 10).unwrap().len(), 1);
}

#[test]
fn somebody_elses_note_is_no_note() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    let note = write(connection, ada, "mine");
    let id = note.id;
    assert_eq!(store::find(connection, bob, id).unwrap(), None);
    assert_eq!(store::list(connection, bob, None, 10).unwrap(), []);
    assert_eq!(store::replace(connection, bob, id, "his", "his").unwrap(), None);
    assert!(!store::delete(connection, bob, id).unwrap());
    assert_eq!(store::find(connection, ada, id).unwrap(), Some(note));
}

#[test]
fn replacing_keeps_the_first_time_and_notes_the_last() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let (other, note) = (write(connection, ada, "other"), write(connection, ada, "old"));
    execute(
        connection,
        "UPDATE demo.notes SET created_at = '2020-01-01', updated_at = '2020-01-01'",
    );
    let id = note.id;
    let replaced = store::replace(connection, ada, id, "new", "newer")
        .unwrap()
        .unwrap();
    assert_eq!(
        (replaced.title.as_str(), replaced.body.as_str()),
        ("new", "newer")
    );
    assert_eq!(replaced.created_at.to_rfc3339(), "2020-01-01T00:00:00+00:00");
    let by_clock = format!(
        "SELECT updated_at BETWEEN now() - interval '1 minute' AND now() FROM demo.notes WHERE id = '{id}'"
    );
    assert_eq!(text(connection, &by_clock), "true");
    assert_eq!(store::find(connection, ada, id).unwrap(), Some(replaced));
    let untouched = store::find(connection, ada, other.id).unwrap().unwrap();
    assert_eq!(untouched.title, "other");
}

#[test]
fn deleting_deletes_one_and_once() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let (kept, gone) = (write(connection, ada, "kept"), write(connection, ada, "gone"));
    assert!(store::delete(connection, ada, gone.id).unwrap());
    assert!(!store::delete(connection, ada, gone.id).unwrap());
    assert_eq!(store::list(connection, ada, None, 10).unwrap(), [kept]);
}

#[test]
fn pages_go_from_new_to_old_and_hold_the_owners_only() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(write(connection, ada, &number.to_string()));
        write(connection, bob, "between");
    }
    all.reverse();
    let mut page = |after: Option<&NoteRow>, limit| {
        store::list(connection, ada, after.map(|note| note.id), limit).unwrap()
    };
    assert_eq!(page(None, 10), all);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(&all[1]), 2), all[2..4]);
    assert_eq!(page(Some(&all[3]), 2), all[4..]);
    assert_eq!(page(Some(&all[4]), 2), []);
}

#[test]
fn nobody_writes_for_a_user_who_is_gone() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let note = write(connection, ada, "title").id;
    assert!(
        users::delete(connection, &AuditContext::cli(), ada)
            .unwrap()
            .into_unconfirmed()
            .0
    );
    let written = store::create(connection, ada, Uuid::now_v7(), "title", "body");
    owner_is_gone(&written);
    assert_eq!(
        store::replace(connection, ada, note, "title", "body").unwrap(),
        None
    );
    assert_eq!(count(connection, "demo.notes"), 0);
}

#[test]
fn deleting_a_user_takes_notes_along() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    write(connection, ada, "hers");
    write(connection, bob, "his");
    assert!(
        users::delete(connection, &AuditContext::cli(), ada)
            .unwrap()
            .into_unconfirmed()
            .0
    );
    assert_eq!(text(connection, "SELECT title FROM demo.notes"), "his");
}

/// The deletion is committed when the note waits for it.
#[test]
fn a_user_who_is_being_deleted_gets_no_note() {
    let (database, deleting) = &mut database();
    let (writing, watching) = (database.connect(), &mut database.connect());
    let ada = create_user(deleting, "ada");
    let written = thread::scope(|scope| {
        let running = deleting.transaction(|deleting| {
            assert!(
                users::delete(deleting, &AuditContext::cli(), ada)?
                    .into_unconfirmed()
                    .0
            );
            let running = scope.spawn(move || {
                let mut writing = writing;
                store::create(&mut writing, ada, Uuid::now_v7(), "title", "body")
            });
            wait_for_blocked(watching, 1);
            DatabaseResult::Ok(running)
        });
        running.unwrap().join().unwrap()
    });
    owner_is_gone(&written);
}

#[test]
fn a_note_has_an_owner() {
    let (_, connection) = &mut database();
    let note = "INSERT INTO demo.notes (id, user_id, title, body) \
        VALUES (gen_random_uuid(), gen_random_uuid(), 'title', 'body')";
    owner_is_gone(&connection.batch_execute(note).map_err(DatabaseError::from));
}

/// With a few rows Postgres would read the table from end to end, and sort; told not to, it shows what index it has.
#[test]
fn every_query_has_an_index() {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    const ID: &str = "'0198c5a5-0000-7000-8000-000000000000'";
    let (_, connection) = &mut database();
    execute(connection, "SET enable_seqscan = off; SET enable_sort = off");
    for query in [
        "SELECT * FROM demo.notes WHERE user_id = ID AND id < ID ORDER BY id DESC LIMIT 20",
        "SELECT * FROM demo.notes WHERE user_id = ID ORDER BY id DESC LIMIT 20",
        "DELETE FROM demo.notes WHERE user_id = ID",
    ] {
        let explain = sql_query(format!("EXPLAIN {}", query.replace("ID", ID)));
        let lines: Vec<Row> = explain.load(connection).unwrap();
        let plan: String = lines.into_iter().map(|row| row.line + "\n").collect();
        assert!(plan.contains("notes_user_id_id"), "{query}\n{plan}");
        assert!(
            !plan.contains("Seq Scan") && !plan.contains("Sort"),
            "{query}\n{plan}"
        );
    }
}
