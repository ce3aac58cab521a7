use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTP/1.1 request, exactly as written: nothing is checked, encoded or added but what
/// [`new`](RawRequest::new) and [`body`](RawRequest::body) say.
#[derive(Debug, Clone)]
#[must_use]
pub struct RawRequest {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl RawRequest {
    /// The request line, and `Host`.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            head: format!("{method} {target} HTTP/1.1\r\nHost: test\r\n").into_bytes(),
            body: Vec::new(),
        }
    }

    /// One more header line; the same name may come again.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head
            .extend([name.as_bytes(), b": ", value.as_ref(), b"\r\n"].concat());
        self
    }

    /// The body, and its `Content-Length`.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut with_length = self.header("Content-Length", body.len().to_string());
        with_length.body = body;
        with_length
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), b"\r\n", &self.body].concat()
    }

    /// Sends it, and reads the answer.
    pub fn send(&self, address: impl ToSocketAddrs) -> RawResponse {
        raw(address, &self.to_bytes())
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    /// Names as they were sent, values without the spaces around them, in order.
    pub headers: Vec<(String, String)>,
    /// Decoded if it was chunked.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// All headers of this name, in any case.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends these bytes on a connection of their own, and reads one answer.
pub fn raw(address: impl ToSocketAddrs, request: &[u8]) -> RawResponse {
    try_raw(address, request).unwrap_or_else(|error| panic!("no answer: {error}"))
}

/// As [`raw()`], for requests that need not be answered.
///
/// # Errors
/// When the server cannot be reached, closes the connection without a whole answer, or is silent for a minute.
pub fn try_raw(address: impl ToSocketAddrs, request: &[u8]) -> io::Result<RawResponse> {
    RawConnection::open(address)?.send(request)
}

/// A connection that is kept for the next request.
#[derive(Debug)]
pub struct RawConnection(BufReader<TcpStream>);

impl RawConnection {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn open(address: impl ToSocketAddrs) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends these bytes, and reads one answer.
    ///
    /// # Errors
    /// The server closes the connection without a whole answer, or is silent for a minute.
    pub fn send(&mut self, request: &[u8]) -> io::Result<RawResponse> {
        // A server may answer, and hang up, before it has read everything; the answer counts.
        let sent = self.0.get_mut().write_all(request);
        match read_response(&mut self.0, request.starts_with(b"HEAD ")) {
            Err(_) if sent.is_err() => sent.and(Err(io::ErrorKind::BrokenPipe.into())),
            answer => answer,
        }
    }
}

fn read_response(stream: &mut impl BufRead, head_only: bool) -> io::Result<RawResponse> {
    loop {
        let mut response = read_head(stream)?;
        // "100 Continue" is followed by the answer proper.
        if response.status < 200 {
            continue;
        }
        let bodiless = head_only || matches!(response.status, 204 | 304);
        if !bodiless {
            response.body = read_body(stream, &response)?;
        }
        return Ok(response);
    }
}

fn read_head(stream: &mut impl BufRead) -> io::Result<RawResponse> {
    let first = read_line(stream)?;
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| malformed(&first))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(RawResponse {
        status,
        headers,
        body: Vec::new(),
    })
}

fn read_body(stream: &mut impl BufRead, response: &RawResponse) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let chunked = response
        .header("Transfer-Encoding")
        .is_some_and(|coding| coding.contains("chunked"));
    if chunked {
        loop {
            let line = read_line(stream)?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| malformed(&line))?;
            read_exactly(stream, size, &mut body)?;
            // The end of the chunk, or of the (empty) trailers.
            read_line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = response.header("Content-Length") {
        let length = length.parse().map_err(|_| malformed(length))?;
        read_exactly(stream, length, &mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
    }
    Ok(body)
}

fn read_exactly(stream: &mut impl BufRead, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let start = into.len();
    into.resize(start + length, 0);
    stream.read_exact(&mut into[start..])
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, head_only: bool) -> io::Result<RawResponse> {
        read_response(&mut text.as_bytes(), head_only)
    }

    #[test]
    fn a_body_ends_by_its_length_its_chunks_or_the_connection() {
        for (text, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi, not this", "hi"),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n",
                "hi",
            ),
            ("HTTP/1.0 200\r\n\r\nall of it", "all of it"),
            ("HTTP/1.1 204 No Content\r\n\r\nthe next answer", ""),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
                "x",
            ),
        ] {
            assert_eq!(parse(text, false).unwrap().text(), body, "{text}");
        }
        assert_eq!(
            parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true)
                .unwrap()
                .text(),
            ""
        );
    }

    #[test]
    fn an_answer_that_is_cut_short_is_an_error() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\nA: b",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh",
            "SSH-2.0\r\n",
        ] {
            assert!(parse(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_number() {
        let answer = parse("HTTP/1.1 401 \r\nA: 1\r\nB:2\r\na:  3 \r\n\r\n", true).unwrap();
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("b"), Some("2"));
        assert_eq!(answer.headers_named("A").collect::<Vec<_>>(), ["1", "3"]);
    }
}
