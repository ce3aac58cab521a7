use jeton_proof_support::{Endpoint, RawRequest};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// A connection that does as it pleases.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(service: &Endpoint) -> Self {
        Self::connect_to(service.address())
    }

    pub(crate) fn connect_to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(stream)
    }

    /// From another of this machine's addresses.
    pub(crate) fn connect_from(address: Ipv4Addr, service: &Endpoint) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((address, 0).into()).unwrap();
            let stream = socket.connect(service.address().parse().unwrap()).await;
            stream.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends a whole request, and reads its answer, which must be small.
    pub(crate) fn get(&mut self, path: &str) -> u16 {
        self.send(&RawRequest::new("GET", path).to_bytes());
        self.status()
    }

    pub(crate) fn status(&mut self) -> u16 {
        let mut answer = Vec::new();
        let complete = |answer: &[u8]| {
            let text = String::from_utf8_lossy(answer).to_lowercase();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head.split("content-length: ").nth(1)?.lines().next()?;
            (body.len() == length.parse::<usize>().ok()?).then(|| head[9..12].parse().unwrap())
        };
        loop {
            let mut buffer = [0; 4096];
            let read = self.0.read(&mut buffer).unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
            if let Some(status) = complete(&answer) {
                return status;
            }
        }
    }

    /// Sends a byte now and then, until the server hangs up; returns what it said.
    pub(crate) fn dribble(mut self) -> String {
        self.0.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut answer = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "the server lets it go on");
            // What is sent after the server has hung up is answered by a reset, in time.
            let _ = self.0.write_all(b"a");
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads to the end, which must come; returns how many bytes there were.
    pub(crate) fn wait_until_closed(&mut self) -> usize {
        let mut total = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return total,
                Ok(read) => total += read,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return total,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
