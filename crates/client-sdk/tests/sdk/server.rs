use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) raw: Vec<u8>,
}

/// What to answer.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// Whether the head says how long the body is; else it ends with the connection.
    has_length: bool,
}

/// Listens until the runtime of its test ends.
pub(crate) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Received {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// `GET /path`.
    pub(crate) fn line(&self) -> String {
        self.text().split(" HTTP/1.1\r\n").next().unwrap().to_owned()
    }

    /// All values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .collect()
    }

    pub(crate) fn authorization(&self) -> Vec<String> {
        self.headers("authorization")
    }

    pub(crate) fn body(&self) -> String {
        self.text().split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body()).unwrap()
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: vec![],
            body: String::new(),
            has_length: true,
        }
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::new(status)
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without_length(self) -> Self {
        Self {
            has_length: false,
            ..self
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        if self.status != 204 && self.has_length {
            text += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        (text + "\r\n" + &self.body).into_bytes()
    }
}

impl Server {
    /// Answers every request with what the function makes of it.
    pub(crate) async fn start<F, R>(answer: F) -> Self
    where
        F: Fn(Received) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(vec![]));
        let (answer, log) = (Arc::new(answer), Arc::clone(&received));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { address, received }
    }

    /// Answers one request after the other from a list, and with 500 when it is used up.
    pub(crate) async fn script(replies: Vec<Reply>) -> Self {
        let replies = Arc::new(Mutex::new(replies.into_iter()));
        Self::start(move |_| {
            let reply = replies.lock().unwrap().next();
            async { reply.unwrap_or_else(|| Reply::text(500, "the script has ended")) }
        })
        .await
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// `GET /path` of each request so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().iter().map(Received::line).collect()
    }

    /// How many requests there were so far.
    pub(crate) fn count(&self) -> usize {
        self.received().len()
    }
}

async fn serve<F, R>(mut stream: TcpStream, answer: Arc<F>, log: Arc<Mutex<Vec<Received>>>)
where
    F: Fn(Received) -> R,
    R: Future<Output = Reply>,
{
    let raw = read(&mut stream).await;
    if raw.is_empty() {
        return;
    }
    let request = Received { raw };
    log.lock().unwrap().push(request.clone());
    if is_tls(&request.raw) {
        return;
    }
    let reply = answer(request).await.bytes();
    // The client may be gone: then its test says what is wrong.
    let _ = stream.write_all(&reply).await;
    let _ = stream.shutdown().await;
}

/// One request; or the beginning of a TLS handshake, which has no end that could be waited for.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut raw = vec![];
    loop {
        let ended = stream.read_buf(&mut raw).await.is_ok_and(|read| read == 0);
        if ended || is_tls(&raw) || is_whole(&raw) {
            return raw;
        }
    }
}

fn is_tls(raw: &[u8]) -> bool {
    raw.first() == Some(&0x16)
}

fn is_whole(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()).unwrap_or("0");
    body.len() >= length.parse::<usize>().unwrap()
}
