//! Two instances of each service, and nothing that makes a client come back to the same one.

use crate::support::{NoteList, PASSWORD, client, kind, sign_up, start_auth, start_notes};
use jeton_client::{Credentials, ProblemKind};
use jeton_proof_support::TestDatabase;
use serde_json::json;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hands its connections to the backends in turn.
struct RoundRobin {
    address: SocketAddr,
    served: Arc<Vec<AtomicUsize>>,
}

impl RoundRobin {
    fn over(backends: [String; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(vec![AtomicUsize::new(0), AtomicUsize::new(0)]);
        let counts = served.clone();
        std::thread::spawn(move || {
            for (i, client) in listener.incoming().enumerate() {
                let backend = TcpStream::connect(&backends[i % 2]).unwrap();
                counts[i % 2].fetch_add(1, Ordering::Relaxed);
                join(client.unwrap(), backend);
            }
        });
        Self { address, served }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn assert_both_served(&self) {
        assert!(self.served.iter().all(|count| count.load(Ordering::Relaxed) > 0));
    }
}

fn join(a: TcpStream, b: TcpStream) {
    let (mut from_a, mut from_b) = (a.try_clone().unwrap(), b.try_clone().unwrap());
    let (mut to_a, mut to_b) = (a, b);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_a, &mut to_b);
        let _ = to_b.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_b, &mut to_a);
        let _ = to_a.shutdown(Shutdown::Write);
    });
}

#[tokio::test]
async fn any_server_accepts_the_token_and_none_after_the_logout() {
    let database = TestDatabase::create();
    let auth = [start_auth(database.url()), start_auth(database.url())];
    let notes = [start_notes(database.url()), start_notes(database.url())];
    let auth_proxy = RoundRobin::over([auth[0].address().to_owned(), auth[1].address().to_owned()]);
    let notes_proxy = RoundRobin::over([notes[0].address().to_owned(), notes[1].address().to_owned()]);
    let notes_url = format!("{}/notes", notes_proxy.url());

    // A client that is new each time has a connection that is new each time, and so the other instance.
    client(&auth_proxy.url()).sign_up(&sign_up("ada")).await.unwrap();
    for round in 0..4 {
        let signed_in = client(&auth_proxy.url())
            .sign_in(Credentials::new("ada", PASSWORD))
            .await
            .unwrap();
        let token = signed_in.token();
        let fresh = || {
            client(&auth_proxy.url())
                .session(jeton_client::SecretText::from(expose(&token)))
                .unwrap()
        };
        let body = json!({ "title": format!("{round}"), "body": "" });
        fresh().post(&notes_url).json(&body).send().await.unwrap();
        for _ in 0..2 {
            fresh().me().await.unwrap();
            let list: NoteList = fresh().get(&notes_url).send_json().await.unwrap();
            assert_eq!(list.notes.len(), round + 1);
        }
        fresh().logout().await.unwrap();
        for _ in 0..2 {
            assert_eq!(kind(fresh().me().await), ProblemKind::InvalidToken);
            assert_eq!(
                kind(fresh().get(&notes_url).send().await),
                ProblemKind::InvalidToken
            );
        }
    }
    auth_proxy.assert_both_served();
    notes_proxy.assert_both_served();
}

fn expose(token: &jeton_client::SecretText) -> &str {
    jeton_client::ExposeSecret::expose_secret(token)
}
