//! Registrations of which the verifier is not told what became of them.

use crate::support::{by_way_of, count, database, execute, settings, text, wait_until};
use jeton_verifier::{Verifier, VerifierSettings};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is lost of a commit, and the connection with it.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// It never comes to the server.
    Commit,
    /// The server has committed, and nobody is told.
    Answer,
}

/// Passes connections on to the database, and loses what it is told to of those that register.
struct Way {
    url: String,
    to_lose: Arc<Mutex<VecDeque<Lost>>>,
}

impl Way {
    fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, url) = by_way_of(listener.local_addr().unwrap(), url);
        let to_lose = Arc::new(Mutex::new(VecDeque::new()));
        let losses = to_lose.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(&server).unwrap();
                pass(client.unwrap(), server, losses.clone());
            }
        });
        Self { url, to_lose }
    }

    fn lose(&self, losses: &[Lost]) {
        self.to_lose.lock().unwrap().extend(losses);
    }

    fn has_lost_all(&self) -> bool {
        self.to_lose.lock().unwrap().is_empty()
    }
}

fn pass(client: TcpStream, server: TcpStream, to_lose: Arc<Mutex<VecDeque<Lost>>>) {
    let is_answer_lost = Arc::new(AtomicBool::new(false));
    let (lost, back) = (
        is_answer_lost.clone(),
        (server.try_clone().unwrap(), client.try_clone().unwrap()),
    );
    thread::spawn(move || {
        let mut registers = false;
        each_read(&client, &server, |said| {
            registers |= has(said, b"jeton_register");
            let lost = (registers && has(said, b"COMMIT")).then(|| to_lose.lock().unwrap().pop_front());
            // Before the server has it, and so before there is an answer.
            is_answer_lost.fetch_or(matches!(lost, Some(Some(Lost::Answer))), Ordering::SeqCst);
            !matches!(lost, Some(Some(Lost::Commit)))
        });
    });
    thread::spawn(move || each_read(&back.0, &back.1, |_| !lost.load(Ordering::SeqCst)));
}

/// Passes on what it reads as long as that is let through, and then ends both connections.
fn each_read(mut from: &TcpStream, mut to: &TcpStream, mut let_through: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !let_through(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn has(said: &[u8], what: &[u8]) -> bool {
    said.windows(what.len()).any(|part| part == what)
}

/// A revocation would wait for each row that nobody renews, for as long as a lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_whose_answer_is_lost_leaves_no_row_behind() {
    let (database, mut connection) = database();
    let way = Way::to(database.url());
    let verifier = Verifier::connect(VerifierSettings {
        cache_tokens: 100,
        lease: Duration::from_secs(60),
        ..settings(&way.url)
    })
    .await
    .unwrap();
    for losses in [
        &[Lost::Answer][..],
        &[Lost::Commit],
        &[Lost::Answer, Lost::Answer],
        &[Lost::Commit, Lost::Answer, Lost::Commit],
    ] {
        let before = text(&mut connection, "SELECT id FROM verifiers");
        way.lose(losses);
        execute(
            &mut connection,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%jeton_renew%'",
        );
        let renewed = format!("verifiers WHERE id <> '{before}' AND version > 0");
        wait_until("it renews anew", || {
            way.has_lost_all() && count(&mut connection, &renewed) == 1
        });
        assert_eq!(count(&mut connection, "verifiers"), 1, "{losses:?}");
    }
    verifier.close().await;
    assert_eq!(count(&mut connection, "verifiers"), 0);
}
