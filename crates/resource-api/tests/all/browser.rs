//! A page of another origin, in a real browser, where one is installed.

use crate::support::{PASSWORD, start_auth_with, start_notes_with};
use jeton_proof_support::{Browser, TestDatabase};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Signs up, reads what the answers' headers say, and is refused; `report` is a promise of how it went.
const PAGE: &str = r#"<!doctype html><title>Jeton</title><script>
var report = (async () => {
  const report = {};
  try {
    const credentials = JSON.stringify({ username: "ada", password: "PASSWORD" });
    const json = { "Content-Type": "application/json" };
    const signedUp = await fetch("AUTH/v1/users", { method: "POST", headers: json, body: credentials });
    const token = signedUp.headers.get("X-Auth-Token");
    report.signedUp = signedUp.status;
    report.sameToken = token === (await signedUp.json()).token;
    const headers = { ...json, Authorization: `Bearer ${token}`, "X-Request-Id": "from-the-page" };
    const note = JSON.stringify({ title: "Milk", body: "" });
    const created = await fetch("NOTES/notes", { method: "POST", headers, body: note });
    report.created = created.status;
    report.id = created.headers.get("X-Request-Id");
    report.deleted = (await fetch("NOTES/notes/" + (await created.json()).id, { method: "DELETE", headers })).status;
    report.loggedOut = (await fetch("AUTH/v1/logout", { method: "POST", headers })).status;
    const refused = await fetch("NOTES/notes", { headers });
    report.refused = refused.status;
    report.challenge = refused.headers.get("WWW-Authenticate");
    report.problem = (await refused.json()).type;
  } catch (error) {
    report.error = String(error);
  }
  return report;
})();
</script>"#;

/// Serves the page, for as long as the test runs. A browser opens connections in advance, too, and sends nothing on them.
fn serve(listener: TcpListener, page: String) {
    let page: Arc<str> = page.into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let page = page.clone();
            thread::spawn(move || answer(&stream, &page));
        }
    });
}

fn answer(mut stream: &TcpStream, page: &str) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head)? > 0 {}
    let (status, text) = match head.split(' ').nth(1) {
        Some("/") => ("200 OK", page),
        _ => ("404 Not Found", ""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(&[head.as_bytes(), text.as_bytes()].concat())
}

fn visit(origins: impl Fn(&str) -> String) -> Option<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let database = TestDatabase::create();
    let allowed = origins(&origin);
    let settings = [("JETON_CORS_ORIGINS", allowed.as_str())];
    let auth = start_auth_with(database.url(), &settings);
    let notes = start_notes_with(database.url(), &settings);
    let page = PAGE
        .replace("AUTH", &auth.base_url())
        .replace("NOTES", &notes.base_url())
        .replace("PASSWORD", PASSWORD);
    serve(listener, page);
    Some(Browser::open(&origin)?.evaluate("report"))
}

#[test]
fn a_page_of_an_allowed_origin_does_all_that_a_client_does() {
    let Some(report) = visit(str::to_owned) else {
        return;
    };
    let expected = serde_json::json!({
        "signedUp": 201, "sameToken": true, "created": 201, "id": "from-the-page", "deleted": 204, "loggedOut": 204,
        "refused": 401, "challenge": "Bearer realm=\"jeton\", error=\"invalid_token\"",
        "problem": "urn:jeton:problem:invalid-token",
    });
    assert_eq!(report, expected);
}

#[test]
fn a_page_of_another_origin_reads_nothing() {
    let Some(report) = visit(|_| "https://app.example.org".to_owned()) else {
        return;
    };
    assert_eq!(report["error"], "TypeError: Failed to fetch", "{report}");
    assert_eq!(report.as_object().map(serde_json::Map::len), Some(1), "{report}");
}
