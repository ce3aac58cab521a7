use crate::support::{Note, NoteList, PASSWORD, Stack, kind};
use jeton_client::{ClientError, Method, ProblemKind, Session};
use jeton_proof_support::RawRequest;
use serde_json::json;

async fn write(stack: &Stack, session: &Session, title: &str) -> Note {
    let note = json!({ "title": title, "body": "…" });
    let answer = session.post(stack.at("/notes")).json(&note).send_json();
    answer.await.unwrap()
}

async fn replace(session: &Session, at: &str, title: &str, body: &str) -> Result<Note, ClientError> {
    let note = json!({ "title": title, "body": body });
    session.put(at).json(&note).send_json().await
}

async fn list(stack: &Stack, session: &Session, query: &str) -> NoteList {
    let answer = session.get(stack.at("/notes") + query).send_json();
    answer.await.unwrap()
}

/// By every route: a slip is told.
#[tokio::test]
async fn names_that_are_not_known_are_refused() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    let note = write(&stack, &session, "a").await;
    let one = format!("/notes/{}", note.id);
    let body = json!({ "title": "b", "body": "c" });
    let more = json!({ "title": "b", "body": "c", "tags": [] });
    let is_refused = |error: jeton_client::ClientError, pointer: &str| {
        assert_eq!(error.kind(), Some(ProblemKind::Validation), "{error}");
        assert_eq!(error.problem().unwrap().errors[0].pointer, pointer);
    };
    for (method, path) in [
        (Method::GET, "/public"),
        (Method::GET, "/whoami"),
        (Method::GET, "/notes"),
        (Method::POST, "/notes"),
        (Method::GET, &one),
        (Method::PUT, &one),
        (Method::DELETE, &one),
    ] {
        let request = |query: &str| session.request(method.clone(), stack.at(&format!("{path}{query}")));
        is_refused(
            request("?ofset=1").json(&body).send().await.unwrap_err(),
            "/ofset",
        );
        if [Method::POST, Method::PUT].contains(&method) {
            is_refused(request("").json(&more).send().await.unwrap_err(), "/tags");
        }
    }
    let list: NoteList = session
        .get(stack.at("/notes/?limit=1"))
        .send_json()
        .await
        .unwrap();
    assert_eq!(list.notes, [note]);
}

#[tokio::test]
async fn a_note_is_written_read_replaced_and_deleted() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    let response = session
        .post(stack.at("/notes"))
        .json(&json!({ "title": "a", "body": "b" }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["Location"].to_str().unwrap().to_owned();
    let written: Note = response.json().await.unwrap();
    assert_eq!(location, format!("/notes/{}", written.id));
    assert!(written.created_at.ends_with('Z') && written.updated_at == written.created_at);

    let at = stack.at(&location);
    assert_eq!(session.get(&at).send_json::<Note>().await.unwrap(), written);
    let replaced = replace(&session, &at, "c", "d").await.unwrap();
    assert_eq!((replaced.title.as_str(), replaced.body.as_str()), ("c", "d"));
    assert_eq!(
        (&replaced.id, &replaced.created_at),
        (&written.id, &written.created_at)
    );
    assert_ne!(replaced.updated_at, written.updated_at);

    assert_eq!(session.delete(&at).send().await.unwrap().status(), 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(
            kind(session.request(method, &at).send().await),
            ProblemKind::NotFound
        );
    }
    let gone = replace(&session, &at, "c", "d").await;
    assert_eq!(kind(gone), ProblemKind::NotFound);
}

#[tokio::test]
async fn nobody_elses_note_is_there() {
    let stack = Stack::start();
    let (ada, eve) = (stack.sign_up("ada").await, stack.sign_up("eve").await);
    let note = write(&stack, &ada, "secret").await;
    let at = stack.at(&format!("/notes/{}", note.id));
    assert_eq!(kind(eve.get(&at).send().await), ProblemKind::NotFound);
    assert_eq!(kind(eve.delete(&at).send().await), ProblemKind::NotFound);
    let change = replace(&eve, &at, "mine", "").await;
    assert_eq!(kind(change), ProblemKind::NotFound);
    assert_eq!(list(&stack, &eve, "").await.notes, []);
    assert_eq!(ada.get(&at).send_json::<Note>().await.unwrap(), note);
}

#[tokio::test]
async fn the_list_comes_in_pages_newest_first() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    for i in 0..5 {
        write(&stack, &session, &i.to_string()).await;
    }
    let first = list(&stack, &session, "?limit=3").await;
    let after = format!("?limit=3&after={}", first.next.unwrap());
    let second = list(&stack, &session, &after).await;
    let titles: Vec<_> = first
        .notes
        .into_iter()
        .chain(second.notes)
        .map(|note| note.title)
        .collect();
    assert_eq!(titles, ["4", "3", "2", "1", "0"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_bad_note_is_refused_with_its_field() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    for (note, pointer) in [
        (json!({ "title": "", "body": "" }), "/title"),
        (json!({ "title": "x".repeat(201), "body": "" }), "/title"),
        (json!({ "title": "two\nlines", "body": "" }), "/title"),
        (json!({ "title": "x", "body": "nul\u{0}" }), "/body"),
        (json!({ "title": "x" }), "/body"),
    ] {
        let error = session
            .post(stack.at("/notes"))
            .json(&note)
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.problem().unwrap().errors[0].pointer, pointer, "{note}");
    }
    assert_eq!(list(&stack, &session, "").await.notes, []);
}

#[tokio::test]
async fn a_deleted_users_notes_are_gone() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    let note = write(&stack, &session, "x").await;
    session.delete_account(PASSWORD).await.unwrap();
    let again = stack.sign_up("ada").await;
    let at = stack.at(&format!("/notes/{}", note.id));
    assert_eq!(kind(again.get(at).send().await), ProblemKind::NotFound);
}

#[test]
fn every_error_is_a_problem() {
    let stack = Stack::start();
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("POST", "/public", 405),
        ("PATCH", "/notes", 405),
        ("GET", "/notes", 401),
        ("PUT", "/notes/x", 401),
        ("GET", "/whoami", 401),
    ] {
        let response = RawRequest::new(method, path).send(stack.notes.address());
        assert_eq!(response.status, status, "{method} {path}");
        assert_eq!(
            response.header("Content-Type"),
            Some("application/problem+json"),
            "{method} {path}"
        );
    }
    assert!(stack.database.url().starts_with("postgres"));
}
