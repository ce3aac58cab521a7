use crate::parse;
use anyhow::{Context, bail, ensure};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use url::Url;

/// Ask a service whether it is ready
///
/// Succeeds when the answer is a 2xx. For container health checks and scripts; needs no database.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask; http only
    #[arg(long, default_value = "http://127.0.0.1:8080/readyz")]
    url: Url,

    /// How long to wait for the answer
    #[arg(long, default_value = "5s", value_parser = parse::duration)]
    timeout: Duration,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let status = ask(&args.url, args.timeout).with_context(|| format!("no answer from {}", args.url))?;
    ensure!((200..300).contains(&status), "{} answered {status}", args.url);
    Ok(())
}

/// Sends a GET and reads the status. A line each way is all that a probe on the loopback needs: an HTTP client with
/// TLS would be most of this program.
fn ask(url: &Url, timeout: Duration) -> anyhow::Result<u16> {
    ensure!(url.scheme() == "http", "only http can be asked");
    let deadline = Instant::now() + timeout;
    let addresses = url.socket_addrs(|| None)?;
    let mut stream = connect(&addresses, deadline)?;
    stream.set_write_timeout(Some(left_until(deadline)?))?;
    stream.write_all(request(url).as_bytes())?;
    let line = status_line(stream, deadline)?;
    status(&line).context("what answers does not speak HTTP")
}

/// Takes the first address that accepts: `localhost` may be two, of which the service listens on one.
fn connect(addresses: &[SocketAddr], deadline: Instant) -> anyhow::Result<TcpStream> {
    let mut failed = None;
    for address in addresses {
        match TcpStream::connect_timeout(address, left_until(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or_else(|| anyhow::anyhow!("the name has no address"), Into::into))
}

fn request(url: &Url) -> String {
    // The parser has percent-encoded whatever could end a line.
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: jeton-healthcheck\r\n\r\n"
    )
}

fn status_line(mut stream: TcpStream, deadline: Instant) -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut buffer = [0; 256];
    while !line.contains(&b'\n') && line.len() < 1024 {
        // Anew for each part: a server that sends a byte now and then must not hold us for longer.
        stream.set_read_timeout(Some(left_until(deadline)?))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => bail!("timed out"),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(line)
}

/// `HTTP/1.1 200 OK` (RFC 9112 §4).
fn status(line: &[u8]) -> Option<u16> {
    let text = line.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn left_until(deadline: Instant) -> anyhow::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    ensure!(!left.is_zero(), "timed out");
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::{request, status};

    #[test]
    fn asks_for_the_path_and_the_query_of_the_host() {
        let request = request(&"http://user:secret@[::1]:8081/a b?c=d#e".parse().unwrap());
        assert!(request.starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: [::1]:8081\r\n"));
        assert!(!request.contains("secret"));
    }

    #[test]
    fn reads_the_status() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503\r\n"), Some(503));
        for bad in [
            &b""[..],
            b"HTTP/1.1",
            b"HTTP/1.1 20",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 abc",
        ] {
            assert_eq!(status(bad), None);
        }
    }
}
