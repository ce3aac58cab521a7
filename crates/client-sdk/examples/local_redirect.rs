//! An app of somebody else's that reads a user's notes: it opens the browser, which comes back to a port on the loopback
//! interface. How to register it and run it beside `scripts/up` says the crate's README.

use anyhow::Context;
use jeton_client::{AuthClient, Session};
use serde_json::Value;
use std::io::Write;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

async fn ask(client_id: &str) -> anyhow::Result<Session> {
    let auth = AuthClient::new(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))?;
    // The port is any that is free; `http://127.0.0.1/callback` is what was registered.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let redirect_uri = format!("http://{}/callback", listener.local_addr()?);
    let asking = auth
        .app(client_id, None)
        .authorization(&redirect_uri, &["notes:read"])
        .await?;
    writeln!(std::io::stdout(), "open {}", asking.url())?;
    let query = came_back(&listener).await?;
    Ok(asking.finish(&query).await?)
}

/// Waits for the browser; browsers also ask for `/favicon.ico` and the like.
async fn came_back(listener: &TcpListener) -> anyhow::Result<String> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).await?;
        let query = line
            .strip_prefix("GET /callback?")
            .and_then(|rest| rest.split(' ').next());
        let (status, text) = match query {
            Some(_) => ("200 OK", "You can close this window."),
            None => ("404 Not Found", ""),
        };
        let length = text.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
        stream.write_all(answer.as_bytes()).await?;
        if let Some(query) = query {
            return Ok(query.to_owned());
        }
    }
}

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client_id = std::env::var("CLIENT_ID").context("CLIENT_ID is not set")?;
    let session = ask(&client_id).await?;
    // The session refreshes its token by itself. An app that is to go on tomorrow keeps both of its tokens:
    // `session.token()` and `session.refresh_token()`, and makes a session of them by `App::session`.
    let notes: Value = session
        .get(format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081")))
        .send_json()
        .await?;
    writeln!(std::io::stdout(), "{notes}")?;
    // Whoever goes for good gives back what the user has allowed.
    session.logout().await?;
    Ok(())
}
