//! A web server of another origin that has the pages, set up as `web/README.md` says.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web");

/// Ends with the test's process.
pub(super) struct Site {
    address: SocketAddr,
    /// Where the auth API is: known once that has been told where the pages are.
    api: Arc<OnceLock<String>>,
}

impl Site {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let api = Arc::new(OnceLock::new());
        let of_site = Arc::clone(&api);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let api = Arc::clone(&of_site);
                // A browser that goes away is no matter.
                thread::spawn(move || answer(stream, &api));
            }
        });
        Self { address, api }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn belongs_to(&self, api: &str) {
        self.api.set(api.to_owned()).unwrap();
    }
}

fn answer(mut stream: TcpStream, api: &OnceLock<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let line = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let target = line.split(' ').nth(1).unwrap_or_default();
    let path = target
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_start_matches('/');
    let api = api.get().map(String::as_str).unwrap_or_default();
    let (status, media_type, body) = match find(path, api) {
        Some((media_type, body)) => ("200 OK", media_type, body),
        None => ("404 Not Found", "text/plain", String::new()),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {api}; base-uri 'none'; \
            frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let policy = if path == "framing" {
        "default-src 'self'; frame-src *"
    } else {
        &policy
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
            Content-Security-Policy: {policy}\r\nX-Content-Type-Options: nosniff\r\n\
            Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\r\n{body}",
        body.len()
    )
}

fn find(path: &str, api: &str) -> Option<(&'static str, String)> {
    if path == "framing" {
        return Some((
            "text/html",
            format!("<!doctype html><title>framing</title><iframe src=\"{api}/device\"></iframe>"),
        ));
    }
    let file = Path::new(PAGES).join(path);
    let (media_type, file) = match file.extension().and_then(|extension| extension.to_str()) {
        Some("js") => ("text/javascript", file),
        Some("css") => ("text/css", file),
        Some("svg") => ("image/svg+xml", file),
        _ => ("text/html", file.with_extension("html")),
    };
    let text = fs::read_to_string(file).ok()?;
    let here = "new URL(\"..\", import.meta.url).href";
    Some((media_type, text.replace(here, &format!("\"{api}/\""))))
}
