//! A page of another origin, in a real browser, where one is installed.

use crate::support::{PASSWORD, start_auth_with, start_notes_with};
use jeton_test_support::TestDatabase;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Signs up, reads what the answers' headers say, and is refused; then tells the server that it came from.
const PAGE: &str = r#"<!doctype html><title>Jeton</title><script>
(async () => {
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
  await fetch("/report", { method: "POST", body: JSON.stringify(report) });
})();
</script>"#;

struct Browser(Child);

impl Browser {
    /// `None`, and a word about it, where there is none.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
    fn open(address: &str, profile: &str) -> Option<Self> {
        let opened = BROWSERS.iter().find_map(|name| {
            Command::new(name)
                .args([
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                ])
                .args(["--no-first-run", &format!("--user-data-dir={profile}"), address])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        });
        if opened.is_none() {
            eprintln!("skipped: no browser (Debian's package chromium)");
        }
        opened.map(Self)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the page, until it has told how it went.
fn serve(listener: &TcpListener, page: &str) -> Value {
    loop {
        let (stream, _) = listener.accept().unwrap();
        let (target, body) = read(&stream);
        let (status, text) = match target.as_str() {
            "/" => ("200 OK", page),
            "/report" => ("200 OK", ""),
            _ => ("404 Not Found", ""),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        let _ = (&stream).write_all(&[head.as_bytes(), text.as_bytes()].concat());
        if target == "/report" {
            return serde_json::from_slice(&body).unwrap();
        }
    }
}

fn read(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap_or(0) > 0 {}
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body).unwrap();
    (head.split(' ').nth(1).unwrap_or_default().to_owned(), body)
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
    let profile = std::env::temp_dir().join(format!("{}.browser", database.name()));
    let browser = Browser::open(&origin, profile.to_str().unwrap())?;
    let report = serve(&listener, &page);
    drop(browser);
    let _ = std::fs::remove_dir_all(profile);
    Some(report)
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
