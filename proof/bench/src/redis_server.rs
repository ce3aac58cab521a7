//! A Redis of the run's own, where the program is installed, holding sessions.

use anyhow::{Context, ensure};
use redis::Commands;
use serde::{Deserialize, Serialize};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The server, in memory only; ended with this value, or with this process.
pub(crate) struct RedisServer {
    process: Child,
    url: String,
    pub(crate) version: String,
}

/// What a session store keeps for a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    user_id: String,
    username: String,
    scopes: Vec<String>,
    expires_at: u64,
}

impl RedisServer {
    /// `None` where there is no such program.
    pub(crate) fn start() -> anyhow::Result<Option<Self>> {
        let Some(version) = version() else { return Ok(None) };
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        // The shell ends it when its own standard input ends: Redis itself would go on without us.
        let process = Command::new("/bin/sh")
            .args([
                "-c",
                r#""$@" & pid=$!; read -r _; kill "$pid"; wait "$pid""#,
                "sh",
            ])
            .args([
                "redis-server",
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            process,
            url: format!("redis://127.0.0.1:{port}/"),
            version,
        };
        server.wait()?;
        Ok(Some(server))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn wait(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.connect().is_err() {
            ensure!(Instant::now() < deadline, "redis-server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    /// Stores a session for each token.
    pub(crate) fn fill(&self, tokens: &[String]) -> anyhow::Result<()> {
        let mut connection = self.connect()?;
        let expires_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 86_400;
        for (number, token) in tokens.iter().enumerate() {
            let session = Session {
                user_id: uuid::Uuid::from_u128(number as u128).to_string(),
                username: crate::database::username(number),
                scopes: vec!["notes:read".to_owned(), "notes:write".to_owned()],
                expires_at,
            };
            let () = connection.set(Session::key(token), serde_json::to_string(&session)?)?;
        }
        Ok(())
    }
}

impl Session {
    pub(crate) fn key(token: &str) -> String {
        format!("session:{token}")
    }

    pub(crate) fn is_valid(json: &[u8]) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let session = serde_json::from_slice::<Self>(json);
        std::hint::black_box(session).is_ok_and(|session| session.expires_at > now.as_secs())
    }
}

fn version() -> Option<String> {
    let output = Command::new("redis-server").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    version.context("no version").ok().map(str::to_owned)
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
