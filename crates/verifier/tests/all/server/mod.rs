//! A service with guards, made with every front end there is, each on a socket of its own. What they answer has to be the
//! same.

mod actix;
mod axum;

use crate::support::settings;
use jeton_proof_support::{RawConnection, RawRequest, RawResponse};
use jeton_verifier::{ProtectedResource, VerifierSettings};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// The service, once for each front end.
pub(crate) struct Server(Vec<FrontEnd>);

struct FrontEnd {
    name: &'static str,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a front end serves: it tells its address, and ends when it is told to.
type Serve = fn(VerifierSettings, Sender<SocketAddr>, oneshot::Receiver<()>);

const FRONT_ENDS: [(&str, Serve); 2] = [("actix", actix::serve), ("axum", axum::serve)];

pub(crate) const ISSUER: &str = "https://auth.example";

/// Two resources, which every front end serves.
pub(crate) fn notes() -> ProtectedResource {
    ProtectedResource::new("https://notes.example", ISSUER, &["notes:read", "notes:write"]).unwrap()
}

pub(crate) fn photos() -> ProtectedResource {
    ProtectedResource::new("https://example.org/photos", ISSUER, &[]).unwrap()
}

impl Server {
    /// Remembers nothing: each request is a look-up.
    pub(crate) fn start(database_url: &str) -> Self {
        Self::start_with(&settings(database_url))
    }

    pub(crate) fn start_with(settings: &VerifierSettings) -> Self {
        Self(
            FRONT_ENDS
                .map(|(name, serve)| FrontEnd::start(name, serve, settings.clone()))
                .into(),
        )
    }

    /// How many there are: whatever is sent, each is sent it.
    pub(crate) fn front_ends(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap()
    }

    /// Sends the request to each, and returns the answer of all of them.
    pub(crate) fn send(&self, request: &RawRequest) -> RawResponse {
        let request = request.clone().header("Connection", "close");
        let answers = self.0.iter().map(|front_end| request.send(front_end.address));
        self.agreed(answers)
    }

    /// Sends the requests to each, on one connection that is kept between them, and returns the answers of all of them.
    pub(crate) fn send_on_one_connection(&self, requests: &[RawRequest]) -> Vec<RawResponse> {
        let open = |front_end: &FrontEnd| RawConnection::open(front_end.address).unwrap();
        let mut connections: Vec<_> = self.0.iter().map(open).collect();
        let send = |request: &RawRequest| {
            let answers = connections
                .iter_mut()
                .map(|connection| connection.send(&request.to_bytes()).unwrap());
            self.agreed(answers)
        };
        requests.iter().map(send).collect()
    }

    /// One answer of each, in their order, which have to be the same.
    fn agreed(&self, answers: impl Iterator<Item = RawResponse>) -> RawResponse {
        let mut named = self.0.iter().map(|front_end| front_end.name).zip(answers);
        let (first_name, first) = named.next().unwrap();
        for (name, answer) in named {
            assert_eq!(compared(&first), compared(&answer), "{first_name}, {name}");
        }
        first
    }

    /// `GET` with these `Authorization` headers.
    pub(crate) fn get(&self, path: &str, authorization: &[&[u8]]) -> RawResponse {
        self.send(&request("GET", path, authorization))
    }

    /// `GET` with a token.
    pub(crate) fn get_with(&self, path: &str, token: &str) -> RawResponse {
        self.get(path, &[format!("Bearer {token}").as_bytes()])
    }
}

/// A request with these `Authorization` headers.
pub(crate) fn request(method: &str, path: &str, authorization: &[&[u8]]) -> RawRequest {
    let request = RawRequest::new(method, path);
    authorization
        .iter()
        .fold(request, |request, value| request.header("Authorization", value))
}

/// All that has to be the same: the status, the headers, in whatever order, but for the time of day, and the bytes of the body.
/// An answer of the framework's own, to a body that cannot be read, has its status in common with others' and no more.
fn compared(answer: &RawResponse) -> (u16, Vec<(String, String)>, &[u8]) {
    if answer.status == 400 && answer.header("Content-Type") != Some("application/problem+json") {
        return (answer.status, Vec::new(), &[]);
    }
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("date"))
        .cloned()
        .collect();
    headers.sort();
    (answer.status, headers, &answer.body)
}

impl FrontEnd {
    fn start(name: &'static str, serve: Serve, settings: VerifierSettings) -> Self {
        let (tell, told) = channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || serve(settings, tell, stopped));
        Self {
            name,
            address: told.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server panicked");
        }
    }
}
