//! The service behind the gateways: a page, and what came along with the request for it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Where it listens. It answers until the tests end.
pub(super) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(&stream.unwrap()));
        }
    });
    address
}

/// A `GET` is answered with the page, and with a header `Seen-User-Id` for `X-Auth-User-Id`, and so on.
fn answer(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in lines.iter().skip(1).filter_map(|line| line.split_once(':')) {
        seen.entry(as_frameworks_do(name)).or_default().push(value.trim());
    }
    let length = seen.get("content-length").map_or("0", |values| values[0]);
    io::copy(&mut reader.take(length.parse().unwrap()), &mut io::sink())?;
    let status = if lines.first().is_some_and(|line| line.starts_with("GET ")) {
        "200 OK"
    } else {
        "405 Method Not Allowed"
    };
    let told: String = seen
        .iter()
        .filter_map(|(name, values)| {
            let name = name
                .strip_prefix("x-auth-")
                .or(name.strip_prefix("x-").filter(|name| *name == "request-id"))
                .or((name == "authorization").then_some(name))?;
            Some(format!("Seen-{name}: {}\r\n", values.join(" and ")))
        })
        .collect();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{told}Content-Length: 8\r\nConnection: close\r\n\r\nthe page"
    )
}

/// CGI, and what follows it, makes `HTTP_X_AUTH_USER_ID` of `X-Auth-User-Id`, `X_Auth_User_Id` and `X.Auth.User.Id` alike.
fn as_frameworks_do(name: &str) -> String {
    name.to_ascii_lowercase()
        .replace(|character: char| !character.is_ascii_alphanumeric(), "-")
}
