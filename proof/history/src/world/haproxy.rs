use super::process::END;
use anyhow::Context;
use jeton_proof_support::Process;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// One HAProxy before a pair, which asks for each server's health as it would ask Patroni: `GET /primary` is 200 for the one
/// that is the primary, and 503 for the other.
#[derive(Debug)]
pub(super) struct HaProxy {
    address: SocketAddr,
    process: Process,
    _directory: tempfile::TempDir,
}

impl HaProxy {
    pub(super) async fn start(
        servers: [SocketAddr; 2],
        primary: &watch::Sender<usize>,
    ) -> anyhow::Result<Self> {
        let address = free().await?;
        let mut config = format!(
            "defaults\n mode tcp\n timeout connect 3s\n timeout client 1h\n timeout server 1h\n timeout check 1s\n\
            listen postgres\n bind {address}\n option httpchk GET /primary\n http-check expect status 200\n \
            default-server inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions\n"
        );
        for (number, server) in servers.iter().enumerate() {
            let health = serve_health(number, primary.subscribe()).await?;
            let _ = writeln!(config, " server postgres{number} {server} check port {health}");
        }
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("haproxy.cfg");
        std::fs::write(&path, config)?;
        // It knows nothing of whoever has started it; the shell does, by the end of its standard input.
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"haproxy -db -f "$0" & read -r _; kill "$!""#])
            .arg(&path)
            .stderr(Stdio::null());
        let process = Process::start(&mut command, drop)?;
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(LOOK).await;
            }
        };
        timeout(START, listens)
            .await
            .context("haproxy does not listen: is it installed?")?;
        Ok(Self {
            address,
            process,
            _directory: directory,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HaProxy {
    /// In order: a shell that is killed kills nobody.
    fn drop(&mut self) {
        self.process.end(END);
    }
}

/// A port that was free a moment ago.
async fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

/// Says whether server `number` is the primary, to whoever asks; the port.
async fn serve_health(number: usize, primary: watch::Receiver<usize>) -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let status = match *primary.borrow() == number {
                true => "200 OK",
                false => "503 Service Unavailable",
            };
            tokio::spawn(async move {
                let _ = client.read(&mut [0; 1024]).await;
                let answer = format!("HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n");
                let _ = client.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok(port)
}
